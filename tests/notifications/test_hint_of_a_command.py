"""A command publishes and ends at once; other processes hear of it all the same."""

import asyncio
from pathlib import Path

from channels_redis.pubsub import RedisPubSubChannelLayer

from apps.events.wakeup import HINT
from tests.rig.site import SiteTemplate, run_python
from tests.rig.valkey import Valkey


async def test_a_command_that_ends_with_its_publish_has_sent_the_hint(
    site_template: SiteTemplate, tmp_path: Path
) -> None:
    with Valkey(tmp_path / "valkey") as valkey:
        layer = RedisPubSubChannelLayer(hosts=[valkey.url], prefix="realtime")
        channel = await layer.new_channel("test.")
        await layer.group_add("notifications", channel)
        env = {"VAR_DIR": str(tmp_path), "DATABASE_URL": site_template.sqlite(tmp_path), "REDIS_URL": valkey.url}
        await asyncio.to_thread(run_python, env, "manage.py", "post_notification", "Hello")
        message = await asyncio.wait_for(layer.receive(channel), 60)
        assert message == {"type": HINT, "topic": "notifications", "head": 1}
        await layer.flush()
