"""The log against a list: whatever happens to it, a reader gets a contiguous run or an explicit reset, and arrives."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest
from django.db import transaction

from apps.events import log
from apps.events.batch import Batch
from apps.events.cursor import NOW, START, Cursor, Last, StartingPlace
from apps.events.log import NewEvent
from apps.events.models import Event, Topic

TOPICS = ("lab.a", "lab.b", "lab.c")
SUBJECTS = ("", "s1", "s2")
STEPS = 250


@dataclass
class TopicModel:
    """What a topic of the log should be."""

    head: int = 0
    low_water: int = 0
    data: dict[int, object] = field(default_factory=dict)  # by seq, of the events that are kept
    subjects: dict[int, str] = field(default_factory=dict)

    def append(self, data: object, subject: str = "") -> int:
        self.head += 1
        self.data[self.head], self.subjects[self.head] = data, subject
        return self.head

    def keep(self, seqs: set[int]) -> None:
        self.data = {seq: data for seq, data in self.data.items() if seq in seqs}


@dataclass
class Reader:
    """Somebody who reads some topics, batch by batch."""

    topics: list[str]
    after: StartingPlace
    last: int | None


class RandomWalk:
    """One thing after another happens to a log and to its model; readers read in between."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.model = {topic: TopicModel() for topic in TOPICS}
        self.epoch = log.bounds([]).epoch
        self.readers: list[Reader] = []
        self.told: Counter[str] = Counter()  # resets by reason, and batches with events

    def step(self) -> None:
        happening = self.random.choices(
            [self.append, self.append_with_a_key, self.roll_back, self.recall, self.prune, self.a_reader_comes]
            + [self.change_the_epoch, self.restore_without_a_new_epoch, self.delete_by_hand, self.a_reader_reads],
            [5, 1, 1, 1, 1, 2, 0.2, 1, 0.7, 12],
        )[0]
        happening()
        bounds = log.bounds(TOPICS)
        assert bounds.epoch == self.epoch
        for topic, model in self.model.items():
            assert (bounds.heads[topic], bounds.low_waters[topic]) == (model.head, model.low_water)

    # What happens to the log

    def append(self) -> None:
        news = [
            NewEvent(self.topic(), "test", self.random.random(), subject=self.random.choice(SUBJECTS))
            for _ in range(self.random.randint(0, 6))
        ]
        for new, event in zip(news, log.append_many(news), strict=True):
            assert event.seq == self.model[new.topic].append(new.data, new.subject)

    def append_with_a_key(self) -> None:
        topic, key = self.topic(), self.random.choice("klmn")
        event = log.append(topic, "test", f"key {key}", key=key)
        kept = [seq for seq, data in self.model[topic].data.items() if data == f"key {key}"]
        assert event.repeated == bool(kept)
        assert event.seq == (kept[0] if kept else self.model[topic].append(f"key {key}"))

    def roll_back(self) -> None:
        with transaction.atomic():
            log.append(self.topic(), "test", "lost")
            transaction.set_rollback(True)

    def recall(self) -> None:
        topic, subject = self.topic(), self.random.choice(SUBJECTS[1:])
        log.append(topic, "test", "recalled", subject=subject, blank_earlier=True)
        model = self.model[topic]
        model.data |= {seq: None for seq in model.data if model.subjects[seq] == subject}
        model.append("recalled", subject)

    def prune(self) -> None:
        topic, count = self.topic(), self.random.randint(0, 8)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("django.conf.settings.EVENTS_RETENTION", [{"topics": topic, "age_s": 3600, "count": count}])
            patch.setattr(log, "_PRUNE_CHUNK", 2)
            pruned = log.prune()
        model = self.model[topic]
        # What lies before the first row that is still there is gone as well.
        first = min(model.data, default=model.head + 1)
        model.low_water = max(model.low_water, model.head - count, first - 1)
        before = len(model.data)
        model.keep({seq for seq in model.data if seq > model.low_water})
        assert pruned == before - len(model.data)

    def change_the_epoch(self) -> None:
        self.epoch = log.change_epoch()

    def restore_without_a_new_epoch(self) -> None:
        topic = self.topic()
        model = self.model[topic]
        model.head = max(model.low_water, model.head - self.random.randint(1, 5))
        Event.objects.filter(topic_id=topic, seq__gt=model.head).delete()
        Topic.objects.filter(name=topic).update(head=model.head)
        model.keep({seq for seq in model.data if seq <= model.head})

    def delete_by_hand(self) -> None:
        topic = self.topic()
        seqs = set(self.model[topic].data)
        gone = set(self.random.sample(sorted(seqs), min(len(seqs), self.random.randint(1, 3))))
        Event.objects.filter(topic_id=topic, seq__in=gone).delete()
        self.model[topic].keep(seqs - gone)

    # What readers see

    def a_reader_comes(self) -> None:
        topics = self.random.sample(TOPICS, self.random.randint(1, 3))
        cursor = Cursor(
            self.random.choice([self.epoch, self.epoch, self.epoch, "elsewhere"]),
            {
                topic: self.random.randint(max(0, model.low_water - 2), model.head + 2)
                for topic, model in [*self.model.items(), ("lab.elsewhere", TopicModel())]
                if self.random.random() < 0.8
            },
        )
        after = self.random.choice([START, NOW, Last(0), Last(3), cursor, cursor])
        self.readers.append(Reader(topics, after, self.random.choice([None, 0, 2])))

    def a_reader_reads(self) -> None:
        if self.readers:
            self.read(self.random.choice(self.readers[-4:]), self.random.randint(1, 7))

    def read(self, reader: Reader, limit: int) -> Batch:
        before = self.cursor_of(reader)
        reset = self.expected_reset(before, reader)
        batch = log.read(reader.topics, reader.after, limit, reader.last)
        assert batch.cursor.epoch == self.epoch
        assert set(batch.cursor.positions) == set(reader.topics)
        if reset is None:
            assert batch.reset is None
            self.expect_a_contiguous_run(batch, before, reader, limit)
            self.told["events"] += bool(batch.events)
        else:
            assert batch.reset is not None
            assert (batch.reset.reason, set(batch.reset.topics), batch.events) == (*reset, ())
            for topic in set(reader.topics) - reset[1]:
                assert batch.cursor.positions[topic] == before.positions.get(topic, self.model[topic].head)
            self.told[batch.reset.reason] += 1
        reader.after = batch.cursor
        return batch

    def cursor_of(self, reader: Reader) -> Cursor:
        place = reader.after
        if isinstance(place, Cursor):
            return place.only(reader.topics)
        models = {topic: self.model[topic] for topic in reader.topics}
        if isinstance(place, Last):
            return Cursor(self.epoch, {t: max(m.low_water, m.head - place.count) for t, m in models.items()})
        return Cursor(self.epoch, {t: m.head if place is NOW else m.low_water for t, m in models.items()})

    def expected_reset(self, after: Cursor, reader: Reader) -> tuple[str, set[str]] | None:
        if after.positions and after.epoch != self.epoch:
            return "epoch", set(after.positions)
        at = {(topic, after.positions.get(topic, self.model[topic].head)) for topic in reader.topics}
        if ahead := {topic for topic, seq in at if seq > self.model[topic].head}:
            return "ahead", ahead
        if trimmed := {topic for topic, seq in at if seq < self.model[topic].low_water}:
            return "trimmed", trimmed
        behind = {(topic, seq) for topic, seq in at if seq < self.model[topic].head}
        deleted = {topic for topic, seq in behind if seq + 1 not in self.model[topic].data}
        return ("trimmed", deleted) if deleted else None

    def expect_a_contiguous_run(self, batch: Batch, before: Cursor, reader: Reader, limit: int) -> None:
        assert len(batch.events) <= limit
        for topic in reader.topics:
            model = self.model[topic]
            start = before.positions.get(topic, model.head)
            run = [(event.seq, event.data) for event in batch.events if event.topic == topic]
            assert run == [(seq, model.data[seq]) for seq in range(start + 1, start + 1 + len(run))]
            assert batch.cursor.positions[topic] == start + len(run)
        is_behind = any(batch.cursor.positions[topic] < self.model[topic].head for topic in reader.topics)
        assert batch.more == is_behind
        assert batch.events or not is_behind

    def every_reader_arrives(self) -> None:
        for reader in self.readers:
            reads = 0
            while self.read(reader, 7).more:
                reads += 1
                assert reads < 100, f"a reader of {reader.topics} never arrives; it is at {reader.after}"

    def topic(self) -> str:
        return self.random.choice(TOPICS)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_a_reader_gets_a_contiguous_run_or_a_reset_whatever_happens_to_the_log(seed: int) -> None:
    walk = RandomWalk(Random(seed))
    for _ in range(STEPS):
        walk.step()
    walk.every_reader_arrives()
    assert set(walk.told) == {"events", "epoch", "ahead", "trimmed"}
