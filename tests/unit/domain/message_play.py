"""What plays of one kind of document share: its steps, its memory, and messages that come in any order and again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random
from typing import Any

from actors.domain.errors import Refused
from tests.unit.domain.transfer_world import World


class MessagePlay(ABC):
    """A world with documents of a kind, and chance. Moves take the name of a document, whether they need it or not."""

    kind: str

    def __init__(self, seed: int) -> None:
        self.random, self.world = Random(seed), World()

    def step(self, name: str, command: Any) -> bool:
        """Was it done? A refusal changes nothing."""
        version = self.world.entities.get((self.kind, name), (None, 0))[1]
        try:
            self.world.do(self.kind, name, command)
        except Refused:
            assert self.world.entities.get((self.kind, name), (None, 0))[1] == version
            return False
        return True

    def it_is_dropped_from_memory_and_comes_back(self, name: str) -> None:
        state, version = self.world.entities[self.kind, name]
        assert self.world.restored(self.kind, name) == (state, version)
        assert self.world.again(self.kind, name) == state
        self.world.entities[self.kind, name] = (self.world.again(self.kind, name), version)

    def a_message_arrives(self, _: str) -> None:
        if self.world.waiting:
            self.deliver(self.random.choice(self.world.waiting))

    def a_message_arrives_again(self, _: str) -> None:
        if self.world.sent:
            self.deliver(self.random.choice(list(self.world.sent)))

    def all_messages_arrive(self, _: str) -> None:
        while self.world.waiting:
            self.a_message_arrives("")
        self.check_books()

    @abstractmethod
    def deliver(self, message_id: str) -> None:
        """Hands a message over, and tells the model."""

    @abstractmethod
    def check_books(self) -> None:
        """What holds when no message is on its way."""
