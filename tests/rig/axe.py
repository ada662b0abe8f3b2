"""axe-core, which finds what keeps people with disabilities from using a page."""

from pathlib import Path

from playwright.async_api import Page

_SOURCE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
_SERIOUS = ("serious", "critical")
# What fades in has less contrast for a moment; what never ends (a cursor that blinks) is not waited for.
_AT_REST = """
Promise.allSettled(
  document.getAnimations()
    .filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity)
    .map(({ finished }) => finished),
)
"""


async def serious_violations(page: Page) -> list[str]:
    """Return what axe calls serious or critical on the page as it stands, one line for each element.

    Raises:
        FileNotFoundError: axe-core is not installed; `make test` does that.
    """
    # Evaluated, not added as a script element, which the site's Content-Security-Policy would refuse.
    await page.evaluate(_SOURCE.read_text())
    await page.evaluate(f"{_AT_REST.strip()}.then(() => null)")
    # Asked for violations alone, it does not look up the names of the thousands of elements that pass.
    result = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: {node['html'][:200]}"
        for violation in result["violations"]
        if violation["impact"] in _SERIOUS
        for node in violation["nodes"]
    ]
