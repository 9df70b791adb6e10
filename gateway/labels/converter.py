"""A carrier's label in another format, made by processes in a sandbox (`sandbox`): whatever the file does, the caller lives on.

They load pdfium, Pillow and zxing; this one does not. One is started when the first label is converted (a third of a second, paid
once), stays for a quarter of an hour after the last, and forks for each job, so that a file that kills its job costs no start; one
that ends all the same is replaced before it is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process

import msgspec

from gateway.labels.sandbox import Answer, Job, Limits
from gateway.labels.why import Busy, Unconvertible, Why

_LANES = 2  # processes at most, a job each
_MOST_WAITING = 16
_PATIENCE = 4  # seconds beyond the sandbox's own limit, which comes first
_ENDED = (ConnectionError, asyncio.IncompleteReadError)
_COMMAND = (sys.executable, "-P", "-m", "gateway.labels.sandbox")


class Converter:
    """Lives on one event loop."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._lanes = asyncio.Semaphore(_LANES)
        self._living: list[Process] = []
        self._idle: list[Process] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._closed = False

    def warm(self) -> None:
        """Have a process ready soon, ahead of need; nothing to do where one is."""
        self._idle = [process for process in self._idle if process.returncode is None]
        if not self._idle and not self._starting and not self._closed:
            task = asyncio.ensure_future(self._start())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def convert(self, content: bytes, source: str, wanted: str, page: int | None = None) -> bytes:
        """`source` and `wanted` are pdf, png or zpl. Raises Unconvertible, Busy."""
        if source == "zpl":
            raise Unconvertible(Why.ZPL)
        if self._waiting >= _MOST_WAITING:
            raise Busy("too many labels are being converted")
        self._waiting += 1
        try:
            async with self._lanes:
                answer = await self._asked(Job(content=content, source=source, wanted=wanted, page=page))
        finally:
            self._waiting -= 1
        if answer.why:
            raise Unconvertible(answer.why)
        if not answer.content:
            raise Busy("a label took too long to convert while the machine is busy")
        return answer.content

    async def close(self) -> None:
        self._closed = True
        for task in tuple(self._starting):
            await task
        for process in self._living:
            _kill(process)
            await process.wait()

    async def _start(self) -> None:
        self._idle.append(await self._started())

    async def _asked(self, job: Job) -> Answer:
        """A process that ended while it was idle gives no answer: then a fresh one is asked."""
        frame = msgspec.msgpack.encode(job)
        try:
            with contextlib.suppress(*_ENDED):
                return await self._told(await self._taken(), frame)
            return await self._told(await self._started(), frame)
        except (TimeoutError, *_ENDED) as error:
            raise Busy("the converter ended without an answer") from error

    async def _told(self, process: Process, job: bytes) -> Answer:
        answer = None
        try:
            async with asyncio.timeout(self._limits.wall + _PATIENCE):
                answer = await _exchanged(process, job)
        finally:  # also where nobody waits for the answer any more: the next job must not get it
            if answer and not self._closed:
                self._idle.append(process)
            else:
                _kill(process)
                self.warm()
        return answer

    async def _taken(self) -> Process:
        """One that is idle; the last that had work, for the others may end."""
        for task in tuple(self._starting):
            await task
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
        return await self._started()

    async def _started(self) -> Process:
        """Without the environment: the secrets in it are not for a process that reads strangers' files."""
        limits = (str(self._limits.cpu), str(self._limits.wall))
        process = await asyncio.create_subprocess_exec(
            *_COMMAND, *limits, stdin=PIPE, stdout=PIPE, env={}, cwd="/", start_new_session=True
        )
        self._living = [*(one for one in self._living if one.returncode is None), process]
        return process


async def _exchanged(process: Process, job: bytes) -> Answer:
    if process.stdin is None or process.stdout is None:
        raise BrokenPipeError
    process.stdin.write(len(job).to_bytes(8) + job)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(8))
    return msgspec.msgpack.decode(await process.stdout.readexactly(size), type=Answer)


def _kill(process: Process) -> None:
    """With the job it may have forked."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
