"""The pages of the admin on which keys are made and listed."""

import pytest
from playwright.async_api import expect


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_a_key_is_made_shown_and_listed_in_chinese(pages, live_site, phone):
    options = {"account": live_site.admin, "locale": "zh-CN", "phone": phone, "dark": phone}
    page = await pages.open(live_site.url + "/admin/api/apikey/add/", **options)
    await page.fill("#id_name", "deploy robot")
    await page.fill("#id_topics", "lab.*")

    await page.click("input[name=_save]")

    await expect(page.locator("h1", has_text="新的 API 密钥")).to_be_visible()
    key = await page.get_by_label("deploy robot").input_value()
    assert key.startswith("rt_")
    hidden = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert hidden == 0
    await page.click("text=全部 API 密钥")
    row = page.locator("#result_list tbody tr").first
    await expect(row.locator(".field-last_used_at")).to_have_text("从未")
    assert key not in await page.content()
