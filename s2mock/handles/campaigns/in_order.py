"""The helper of a standalone test of one order: the code is pasted into the test."""

HELPER = '''
class InOrder:
    """Lets the operations of actors go in one order, with holds."""

    def __init__(self, s2_mock, order):
        self.s2_mock, self.order, self.actors = s2_mock, order, {}
        self.errors, self.stops, self.gone = {}, [], set()

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
            if isinstance(function, (list, tuple)):
                process = subprocess.Popen(
                    function, env={**os.environ, **actor.env}, start_new_session=True)
                self.stops.append(lambda: os.killpg(process.pid, signal.SIGKILL))
                status = process.wait()
                assert not status, f"{function[0]} has ended with status {status}"
            elif inspect.isawaitable(result := function(actor, *arguments)):
                asyncio.run(self.run_task(result))
        except BaseException as error:
            self.errors[actor.name] = error

    async def run_task(self, awaitable):
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        self.stops.append(lambda: loop.call_soon_threadsafe(task.cancel))
        await awaitable

    def go(self, *, timeout=10):
        self.held = self.s2_mock.hold(
            on=OPERATIONS, at="arrival", times=None, required=False)
        threads = [thread for _, thread in self.actors.values()]
        for thread in threads:
            thread.start()
        try:
            for name, fault in self.order:
                if (exchange := self.next_of(name, timeout)) is not None:
                    self.release(exchange, fault, timeout)
            # Each further operation goes when it arrives.
            end = time.monotonic() + timeout
            while alive := [thread for thread in threads if thread.is_alive()]:
                self.check_time(end, f"not all actors have ended within {timeout} s")
                for exchange in self.waiting():
                    self.gone.add(exchange.held)
                    self.held.release(exchange=exchange)
                alive[0].join(0.005)
        finally:
            failed, self.errors = self.errors, {}
            self.held.release()
            for stop in self.stops:
                with contextlib.suppress(ProcessLookupError, RuntimeError):
                    stop()
            for thread in threads:
                thread.join(1)
        if failed:
            raise next(iter(failed.values()))

    def next_of(self, name, timeout):
        """Return the next operation of an actor, when it is held; None if the actor has ended."""
        actor, thread = self.actors[name]
        end = time.monotonic() + timeout
        while True:
            is_alive = thread.is_alive()
            for exchange in self.waiting(actor):
                return exchange
            if not is_alive:
                return None
            self.check_time(end, f"no operation of {name} within {timeout} s")
            with contextlib.suppress(TimeoutError):
                self.held.wait(len(self.held.exchanges) + 1, timeout=0.05)

    def release(self, exchange, fault, timeout):
        """Let an operation go; return when it was answered, or waits for records."""
        self.gone.add(exchange.held)
        before, readers = self.answered(exchange), self.readers(exchange)
        self.held.release(exchange=exchange, fault=fault)
        end = time.monotonic() + timeout
        while self.answered(exchange) == before and self.readers(exchange) <= readers:
            self.check_time(end, f"no answer within {timeout} s")
            time.sleep(0.001)

    def waiting(self, actor=None):
        """Return the operations that are held now, of an actor or of all."""
        bearer = actor and f"Bearer {actor.token}"
        return [
            exchange for exchange in self.held.exchanges
            if exchange.held not in self.gone
            and bearer in (None, exchange.request.headers.get("authorization"))]

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

    def check_time(self, end, problem):
        if time.monotonic() >= end:
            raise AssertionError(f"{problem}: {'; '.join(map(self.describe, self.actors))}")

    def describe(self, name):
        actor, thread = self.actors[name]
        if not thread.is_alive():
            error = self.errors.get(name)
            return f"{name} has " + (f"failed with {error!r}" if error else "ended")
        bearer = f"Bearer {actor.token}"
        sent = [
            one for one in self.held.exchanges
            if one.request.headers.get("authorization") == bearer]
        for one in sent:
            place = " ".join(filter(None, (one.operation, one.basin, one.stream)))
            if one.held not in self.gone:
                return f"{name} waits at the arrival of its {place}"
            same = [other for other in sent if other.operation == one.operation]
            if one is sent[-1] and self.answered(one) < len(same):
                return f"{name} waits for the answer to its {place}"
        for one in self.s2_mock.journal:
            if one.request.headers.get("authorization") == bearer and one.ended is None:
                return f"{name} follows {one.basin} {one.stream}"
        count = f"{len(sent)} operation{'' if len(sent) == 1 else 's'}"
        return f"{name} runs, and waits for nothing of the service: it has sent {count}"
'''
"""Python code that uses only what is public in s2mock; `OPERATIONS` are all names of operations."""
