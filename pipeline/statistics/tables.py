"""The `estimates.*` tables: which frames each one reads, what a row is, and the function that makes it."""

from pipeline.statistics import comparison, curves, lifts, surges, training, windows
from pipeline.tables import Table

EXPECTED, ACCOUNT_MONTH, AGENCIES = "estimates.account_month_expected", "marts.account_month", "core.agencies"
POSTS = "marts.post_facts"


def _of(function, *needs: str):
    """A builder that hands the named frames to `function` in order."""
    return lambda frames, registry: function(*(frames[n] for n in needs))


def _table(name: str, function, needs: tuple[str, ...], description: str, key: tuple[str, ...]) -> dict[str, Table]:
    return {f"estimates.{name}": Table(_of(function, *needs), needs, description, key)}


WINDOW = (EXPECTED, ACCOUNT_MONTH, AGENCIES)
TRAINING = (EXPECTED, ACCOUNT_MONTH, "core.cases", "core.trainings", AGENCIES)
THEMES = "core.post_themes"

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
    | _table(
        "theme_window",
        lifts.theme_window,
        (POSTS, THEMES, ACCOUNT_MONTH),
        "One row per scheme and programme over the last three complete months: lift against the average post, shares.",
        ("scheme_id", "programme"),
    )
    | _table(
        "theme_month",
        lifts.theme_month,
        (POSTS, THEMES),
        "One row per scheme, programme and month: shares and mean lift.",
        ("scheme_id", "programme", "month"),
    )
    | _table(
        "alarms",
        surges.alarms,
        ("core.account_days", "core.posts"),
        "One row per account, day and metric far above the account's own past; is_alarm within the budget of 3 a week.",
        ("account_id", "date", "metric"),
    )
    | _table(
        "training_effect",
        training.training_effect,
        TRAINING,
        "One row per outcome and estimator: effect of training (ln scale), interval, randomisation p, power, or why refused.",
        ("outcome", "estimator"),
    )
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
