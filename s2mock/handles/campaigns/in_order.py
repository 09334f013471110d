"""The helper of a standalone test of one order: the code is pasted into the test."""

HELPER = '''
class InOrder:
    """Lets the operations of actors go in one order, with holds."""

    def __init__(self, s2_mock, order):
        self.s2_mock, self.order, self.actors, self.errors = s2_mock, order, {}, []

    def actor(self, name, function, *arguments):
        token = self.s2_mock.issue_token(
            name, basins="*", streams="*", access_tokens="*",
            op_groups=dict.fromkeys(("account", "basin", "stream"), "read-write"))
        actor = SimpleNamespace(
            name=name, url=self.s2_mock.url, token=token.secret, env=token.env)
        thread = threading.Thread(
            target=self.run, args=(actor, function, arguments), daemon=True)
        self.actors[name] = actor, thread
        return actor

    def run(self, actor, function, arguments):
        try:
            if isinstance(function, list):
                subprocess.run(function, env={**os.environ, **actor.env}, check=True)
            elif inspect.isawaitable(result := function(actor, *arguments)):
                asyncio.run(asyncio.wait_for(result, None))
        except BaseException as error:
            self.errors.append(error)

    def go(self, *, timeout=10):
        held = self.s2_mock.hold(on=OPERATIONS, at="arrival", times=None, required=False)
        for _, thread in self.actors.values():
            thread.start()
        gone = set()
        for name, fault in self.order:
            if (exchange := self.next_of(name, held, gone, timeout)) is None:
                continue
            gone.add(exchange.held)
            before, readers = self.answered(exchange), self.readers(exchange)
            held.release(exchange=exchange, fault=fault)
            end = time.monotonic() + timeout
            # Until it is answered, or waits for records.
            while self.answered(exchange) == before and self.readers(exchange) <= readers:
                assert time.monotonic() < end, f"no answer to {name} within {timeout} s"
                time.sleep(0.001)
        held.release()
        for _, thread in self.actors.values():
            thread.join(timeout)
        if self.errors:
            raise self.errors[0]
        alive = [name for name, (_, thread) in self.actors.items() if thread.is_alive()]
        assert not alive, f"{', '.join(alive)} has not ended within {timeout} s"

    def answered(self, exchange):
        bearer = exchange.request.headers.get("authorization")
        return sum(
            one.request.headers.get("authorization") == bearer
            for one in self.s2_mock.journal.of(exchange.operation))

    def readers(self, exchange):
        with contextlib.suppress(S2Error):
            if exchange.operation == "read":
                return self.s2_mock.stream(exchange.basin, exchange.stream).readers
        return 0

    def next_of(self, name, held, gone, timeout):
        """Return the next operation of an actor, when it is held; None if the actor has ended."""
        actor, thread = self.actors[name]
        bearer, end = f"Bearer {actor.token}", time.monotonic() + timeout
        while True:
            is_alive = thread.is_alive()
            for exchange in held.exchanges:
                own = exchange.request.headers.get("authorization") == bearer
                if own and exchange.held not in gone:
                    return exchange
            if not is_alive:
                return None
            with contextlib.suppress(TimeoutError):
                held.wait(len(held.exchanges) + 1, timeout=0.05)
            assert time.monotonic() < end, f"no operation of {name} within {timeout} s"
'''
"""Python code that uses only what is public in s2mock; `OPERATIONS` are all names of operations."""
