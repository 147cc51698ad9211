"""Method: how the numbers are made, in plain words, with their limits."""

from pipeline.html import render
from pipeline.pages.sheet import Sheet

PATH = "metode.html"


def build(sheet: Sheet) -> str:
    w = sheet.words
    body = render(
        "prosa.html",
        w,
        p=sheet.opening(
            w._("How these numbers are made, and what they cannot say"),
            [w._("The rules are the same for every agency and every month; the code and the definitions are open.")],
            kind=w._("Method"),
        ),
        sections=sections(sheet),
    )
    return sheet.page(body, title=w.plain("Method"))


def _section(title: str, *texts: str) -> dict:
    return {"title": title, "terms": [], "texts": list(texts)}


def sections(sheet: Sheet) -> list[dict]:
    w = sheet.words
    return [
        _section(
            w._("From export to number"),
            w._(
                "Agencies download the platforms' own exports and drop them in a folder. Each file is read exactly right or "
                "refused with a reason."
            ),
            w._("Every file is kept unchanged under its fingerprint, and every number can be followed back to its rows."),
        ),
        _section(
            w._("What counts as response"),
            w._(
                "Response is what the public does in the open: likes or reactions, comments, shares, saves. Clicks are not "
                "included."
            ),
            w._(
                "Response is divided by what the platform reports as exposure: reach on Facebook and Instagram, impressions "
                "on X and LinkedIn, views on YouTube and TikTok. These are different units, so they are never added or "
                "averaged over platforms."
            ),
            w._("Posts are judged once they are mature, that is, once at least 90% of their final response has usually arrived."),
        ),
        _section(
            w._("Why “against the expected value”"),
            w._(
                "Small accounts, video and holiday months draw different response for everyone. The expected value takes "
                "this into account: it is what an account of this size, platform, mix of posts and month usually draws, "
                "estimated without the agency itself."
            ),
            w._("×1.00 means as expected; ×1.20 means a fifth more. From ×0.80 to ×1.25 counts as “as expected”."),
            w._("Agencies with few posts are drawn towards the middle, because their own number says little."),
        ),
        _section(
            w._("When something counts as certain"),
            w._(
                "Every estimate has a 95% interval. ▲ and ▼ appear only if a change survives a control of false discoveries "
                "at 10%: of ten such marks about one may still be chance."
            ),
            w._("Numbers of incomplete months are marked and may change."),
            w._("Ranks are given as ranges. An order of all agencies would mostly show chance."),
        ),
        _section(
            w._("What these pages cannot say"),
            w._(
                "Response is not reach, understanding, trust or better service. What happened at the same time is not "
                "called the cause."
            ),
            w._("Paid distribution is separated only where the export says so; otherwise a post is marked as possibly paid."),
        ),
    ]
