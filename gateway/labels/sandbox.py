"""The process in which carriers' files are opened: `python -m gateway.labels.sandbox CPU WALL`, started by `converter`.

It loads pdfium and Pillow once, then forks for each job: a file that takes over its process finds no other label there, and can
open no file and no socket, nor, unless it is root, start a process. Jobs come over standard input, answers leave over standard
output, one at a time.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path

import msgspec

from gateway.labels.why import Unconvertible, Why

IDLE_SECONDS = 900.0  # then it ends, and gives its memory back
_MEMORY = 384 * 1024 * 1024  # bytes that a job may take beyond what is loaded
_LARGEST_ANSWER = 32 * 1024 * 1024
_CHUNK = 1024 * 1024
_NICE = 5  # requests come first
_NO_DUMPS = 4  # PR_SET_DUMPABLE of prctl(2)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of one job, in whole seconds: processor time, and time on the wall."""

    cpu: int = 5
    wall: int = 20


class Job(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    content: bytes
    source: str
    wanted: str
    page: int | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The converted file, or why there is none; with neither, the machine was too busy to say."""

    content: bytes = b""
    why: Why | None = None


def main(limits: Limits) -> None:
    _prepare()
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    while select.select([jobs], [], [], IDLE_SECONDS)[0]:
        head = jobs.read(8)
        if len(head) < 8:
            return
        frame = msgspec.msgpack.encode(_answer(jobs.read(int.from_bytes(head)), limits))
        answers.write(len(frame).to_bytes(8) + frame)
        answers.flush()


def _prepare() -> None:
    """Load all that a job may need: it can open nothing by itself."""
    from gateway.labels import samples

    samples.warm_up()
    os.nice(_NICE)
    ctypes.CDLL(None).prctl(_NO_DUMPS, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.collect()
    gc.freeze()


def _answer(job: bytes, limits: Limits) -> Answer:
    """What a process of its own makes of the job."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        _work(job, theirs, limits.cpu)
    os.close(theirs)
    frame = _until_closed(ours, limits.wall)
    os.close(ours)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return _read(frame, status)


def _until_closed(pipe: int, seconds: int) -> bytes:
    """What comes until the other end closes; nothing where that takes too long or is too much."""
    end, parts = time.monotonic() + seconds, list[bytes]()
    size = 0
    while size <= _LARGEST_ANSWER and select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(pipe, _CHUNK)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    return b""


def _read(frame: bytes, status: int) -> Answer:
    """A job that died has said nothing: its processor time ran out, or the wall's, or it fell over the file."""
    try:
        return msgspec.msgpack.decode(frame, type=Answer)
    except msgspec.DecodeError:
        return _ENDS.get(os.WTERMSIG(status), Answer(why=Why.FAILED))


_ENDS: dict[int, Answer] = {signal.SIGXCPU: Answer(why=Why.TOO_LONG), signal.SIGKILL: Answer()}


# --- in the job's process -----------------------------------------------------------------------------


def _work(job: bytes, out: int, seconds: int) -> None:
    """Never returns."""
    try:
        _confine(seconds)
        frame = msgspec.msgpack.encode(_converted(msgspec.msgpack.decode(job, type=Job)))
        while frame:
            frame = frame[os.write(out, frame) :]
    finally:
        os._exit(0)


def _confine(seconds: int) -> None:
    for inherited in range(3):
        os.close(inherited)
    resource.setrlimit(resource.RLIMIT_AS, (_size() + _MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for nothing in (resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE):
        resource.setrlimit(nothing, (0, 0))


def _size() -> int:
    """Bytes of address space in use (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _converted(job: Job) -> Answer:
    from gateway.labels import rendering

    try:
        return Answer(content=rendering.convert(job.content, job.source, job.wanted, job.page))
    except Unconvertible as refused:
        return Answer(why=refused.why)
    except MemoryError:
        return Answer(why=Why.TOO_LARGE)


if __name__ == "__main__":
    main(Limits(cpu=int(sys.argv[1]), wall=int(sys.argv[2])))
