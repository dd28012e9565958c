"""The console: ssh to a Python prompt inside the daemon, or to its verbs.

It is off unless the configuration names an endpoint, and lets in keys only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hanode.config.model import NodeDefs
from hanode.console.keyring import Keyring, Role
from hanode.console.listening import Listening


class SshService(Listening):
    """The console of one daemon.

    @param prompt: makes the prompt of a role, C{names} what a Python prompt knows
        beside the verbs.
    """

    kind = "console"
    open_to_all = "and has a key can log in"

    def __init__(
        self,
        defs: NodeDefs,
        prompt: Callable[[bool], Any],
        names: dict[str, Any],
        reactor: Any,
        opened: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(defs.console, reactor, opened)
        self._defs, self._prompt, self._names = defs, prompt, names

    def configure(self, defs: NodeDefs) -> None:
        """Take new settings; who is in already stays."""
        self._defs = defs
        self.move(defs.console)

    def load(self) -> Callable[[], Any]:
        """See L{Listening.load}. Raises L{OSError} and L{ValueError}: no host key."""
        from twisted.cred.portal import Portal

        from hanode.console.hostkey import host_key
        from hanode.console.login import ConsoleFactory, KeyChecker, Realm, User
        from hanode.console.shell import OperatorPrompt, ViewerPrompt

        defs = self._defs
        key = host_key(defs.console_host_key)

        def user(role: Role) -> User:
            operator = role is Role.OPERATOR
            prompt = self._prompt(operator)

            def terminal() -> Any:
                if operator:
                    return OperatorPrompt(prompt, self._names, self._reactor)
                return ViewerPrompt(prompt, self._reactor)

            return User(terminal, prompt.words, self._reactor)

        def make() -> Any:
            # Settings that change later hold for who comes later.
            keyring = Keyring(self._defs.console_keys, self._defs.console_view_keys)
            portal = Portal(Realm(user), [KeyChecker(keyring)])
            return ConsoleFactory(portal, key, self._reactor)

        return make
