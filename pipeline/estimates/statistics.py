"""The `estimates.*` tables: which frames each one reads, what a row is, and the function that makes it."""

from pipeline.estimates.themes import second_scheme
from pipeline.statistics import comparison, curves, lifts, season, surges, training, windows
from pipeline.tables import Table

EXPECTED, ACCOUNT_MONTH, AGENCIES = "estimates.account_month_expected", "marts.account_month", "core.agencies"
POSTS = "marts.post_facts"


def _of(function, *needs: str):
    """A builder that hands the named frames to `function` in order."""
    return lambda frames, registry: function(*(frames[n] for n in needs))


def _table(name: str, function, needs: tuple[str, ...], description: str, key: tuple[str, ...]) -> dict[str, Table]:
    return {f"estimates.{name}": Table(_of(function, *needs), needs, description, key)}


def _themed(function):
    """A builder of a theme table: posts, their programmes of the day and through the lens of settings.toml, account months."""

    def build(frames, registry):
        themes = lifts.through_lens(frames[THEMES], frames[PROGRAMMES], second_scheme(registry))
        return function(frames[POSTS], themes, frames[ACCOUNT_MONTH])

    return build


def _in_order(function, *needs: str):
    """A builder that also tells whether the order of training was drawn inside peer groups."""

    def build(frames, registry):
        settings = getattr(registry, "settings", None) or {}
        return function(*(frames[n] for n in needs), by_group=settings.get("training_order") == "peer_group")

    return build


WINDOW = (EXPECTED, ACCOUNT_MONTH, AGENCIES)
TRAINING = (EXPECTED, ACCOUNT_MONTH, "core.cases", "core.trainings", AGENCIES)
THEMES, PROGRAMMES = "core.post_themes", "core.post_programmes"
THEMED = (POSTS, THEMES, PROGRAMMES, ACCOUNT_MONTH)
PLACEBO = ("core.account_days", POSTS, ACCOUNT_MONTH, "core.trainings", AGENCIES)

TABLES: dict[str, Table] = (
    _table(
        "maturity_curves",
        curves.maturity_curves,
        ("core.post_history",),
        "One row per platform and quantity: half-life in hours and shape of the growth of a post's count.",
        ("platform", "quantity"),
    )
    | _table(
        "account_month_expected",
        comparison.account_month_expected,
        (POSTS, ACCOUNT_MONTH),
        "One row per account, agency and month with mature posts: mean ln rate against what size, format and month let expect.",
        ("account_id", "agency_id", "month"),
    )
    | _table(
        "agency_window",
        windows.agency_window,
        WINDOW,
        "One row per agency: the last three complete months against expectation and the three before (factors, 1 = same).",
        ("agency_id",),
    )
    | _table(
        "agency_platform_window",
        windows.agency_platform_window,
        WINDOW,
        "One row per agency and platform: as agency_window, each platform against itself only.",
        ("agency_id", "platform"),
    )
    | _table(
        "agency_month_index",
        windows.agency_month_index,
        WINDOW,
        "One row per agency and month: factor against expectation, season left in, with interval and completeness.",
        ("agency_id", "month"),
    )
    | _table(
        "regency_month",
        windows.regency_month,
        ("estimates.agency_month_index",),
        "One row per month: median agency with interval, middle half, number of agencies, coverage.",
        ("month",),
    )
    | _table(
        "peer_month",
        windows.peer_month,
        ("estimates.agency_month_index",),
        "One row per peer group and month: median and middle half of its agencies.",
        ("peer_group", "month"),
    )
    | _table(
        "post_lift",
        lifts.post_lift,
        (POSTS,),
        "One row per mature post: its rate against its account's own normal for the format and month (factor).",
        ("post_key",),
    )
    | {
        "estimates.theme_window": Table(
            _themed(lifts.theme_window),
            THEMED,
            "One row per scheme and programme over the last three complete months: lift against the average post, shares.",
            ("scheme_id", "programme"),
        ),
        "estimates.theme_month": Table(
            _themed(lambda posts, themes, account_month: lifts.theme_month(posts, themes)),
            THEMED,
            "One row per scheme, programme and month: shares and mean lift.",
            ("scheme_id", "programme", "month"),
        ),
    }
    | _table(
        "season",
        season.season,
        (POSTS,),
        "One row per platform and week: what all accounts did together (ln scale, 0 = usual), with interval.",
        ("platform", "week_start"),
    )
    | _table(
        "account_trend",
        season.account_trend,
        (POSTS,),
        "One row per account: slope of its ln rate per week over the last 13 weeks, season taken out, with interval.",
        ("account_id",),
    )
    | _table(
        "maturity_check",
        curves.maturity_check,
        ("core.post_history", "estimates.maturity_curves"),
        "One row per fitted curve and age: share of the final count by the curve and by a chain ladder without its shape.",
        ("platform", "quantity", "age_hours"),
    )
    | _table(
        "alarms",
        surges.alarms,
        ("core.account_days", "core.posts"),
        "One row per account, day and metric far above the account's own past; is_alarm within the budget of 3 a week.",
        ("account_id", "date", "metric"),
    )
    | {
        "estimates.training_effect": Table(
            _in_order(training.training_effect, *TRAINING),
            TRAINING,
            "One row per outcome and estimator: effect of training (ln scale), interval, randomisation p, power, or why refused.",
            ("outcome", "estimator"),
        ),
        "estimates.training_placebo": Table(
            _in_order(training.training_placebo, *PLACEBO),
            PLACEBO,
            "One row per outcome that training cannot move: its pretended effect (ln scale), or why it cannot be judged.",
            ("outcome",),
        ),
    }
    | _table(
        "training_event",
        training.training_event,
        TRAINING,
        "One row per outcome and month since training: effect with pointwise and simultaneous intervals.",
        ("outcome", "event_month"),
    )
    | _table(
        "training_cohort",
        training.training_cohort,
        TRAINING,
        "One row per outcome and wave of training: effect with interval.",
        ("outcome", "wave"),
    )
    | _table(
        "training_agency",
        training.training_agency,
        TRAINING,
        "One row per outcome and trained agency: before, after, and after minus what was to be expected.",
        ("outcome", "agency_id"),
    )
    | _table(
        "training_sensitivity",
        training.training_sensitivity,
        TRAINING,
        "One row per outcome and group left out: the effect without it.",
        ("outcome", "left_out_kind", "left_out"),
    )
)
