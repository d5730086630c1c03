"""The routes of the page. All state is on the shelf and in the queue; a route looks up, asks, and answers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from audioprior import __version__
from audioprior.errors import AudioError, AudiopriorError, SettingsError
from audioprior.web import requests as asking
from audioprior.web.copies import RANGE_DB, levels, open_copy, shades
from audioprior.web.queue import Queue, Task, run_of
from audioprior.web.recordings import GoneError, Shelf
from audioprior.web.report import MOST_REPORTED_S, report

STATIC = Path(__file__).parent / "static"
_HEADER = "x-audioprior"  # other sites cannot send it without asking first, and are not answered
_POLICY = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'"
_LOOK_S, _BREATH_S = 0.15, 10.0
_SWEEP_S = 60.0
_LARGEST = 2000  # columns or rows of a picture
# Seconds of processor for a sample of a channel, measured (`bench/RESULTS.md`): for a word on how long it takes.
COST = {"fast": 5e-6, "consensus": 1.8e-5, "best": 4.5e-5}


def application(folder: Path, *, keep_hours: float, most_mb: float, hosts: tuple[str, ...]) -> FastAPI:
    """Return the server.

    Args:
        folder: where recordings and results go.
        keep_hours: after its last use that a recording is kept.
        most_mb: largest file that is taken.
        hosts: names that it answers to; "*" for all.
    """
    torch.set_num_threads(1)
    shelf = Shelf(folder, 3600 * keep_hours)
    queue = Queue(shelf, most_waiting=100)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(queue))
        yield
        sweeping.cancel()
        await run_in_threadpool(queue.close)

    app = FastAPI(title="audioprior", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.method not in ("GET", "HEAD") and _HEADER not in request.headers:
            return JSONResponse({"message": "requests that change something come from the page itself."}, 403)
        response = await answer(request)
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response

    @app.exception_handler(AudiopriorError)
    async def refused(_: Request, error: Exception) -> JSONResponse:
        status = 404 if isinstance(error, GoneError) else 422 if isinstance(error, AudioError) else 400
        return JSONResponse({"message": str(error)}, status)

    _about_routes(app, keep_hours, most_mb)
    _recording_routes(app, shelf, queue, most_mb)
    _job_routes(app, shelf, queue)
    _listening_routes(app, shelf, queue)
    app.mount("/", StaticFiles(directory=STATIC, html=True))
    return app


def _about_routes(app: FastAPI, keep_hours: float, most_mb: float) -> None:
    """What the page has to know of the server."""

    @app.get("/api/about")
    def about() -> dict[str, Any]:
        limits = {"keep_hours": keep_hours, "most_mb": most_mb, "range_db": RANGE_DB, "report_s": MOST_REPORTED_S}
        return {"version": __version__, "tasks": asking.forms(), "cost": COST, **limits}


def _recording_routes(app: FastAPI, shelf: Shelf, queue: Queue, most_mb: float) -> None:
    """Recordings: sent, looked at, removed."""

    @app.post("/api/recordings")
    async def send(request: Request, name: str) -> dict[str, Any]:
        most = most_mb * 1e6
        too_large = AudioError(
            f"the file is larger than {most_mb:g} MB; use the command line for it, or start with --max-mb."
        )
        if int(request.headers.get("content-length", 0)) > most:
            raise too_large
        path = shelf.place(name)
        try:
            size = 0
            with open(path, "wb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most:
                        raise too_large
                    file.write(chunk)
        except BaseException as error:  # the visitor has gone, or the disk is full: nothing is kept
            shelf.remove(path.parent.parent.name)
            if isinstance(error, OSError):
                raise AudioError(f"{path.name} could not be kept ({error.strerror}); free some disk.") from error
            raise
        return asdict(await run_in_threadpool(shelf.admit, path))

    @app.get("/api/recordings/{recording}")
    def recording(recording: str) -> dict[str, Any]:
        return {**asdict(shelf.get(recording)), "jobs": [_told(queue, task) for task in queue.of(recording)]}

    @app.get("/api/recordings/{recording}/suggestions")
    def suggestions(recording: str) -> list[dict[str, str]]:
        return shelf.suggestions(recording)

    @app.delete("/api/recordings/{recording}")
    def forget(recording: str) -> dict[str, str]:
        shelf.get(recording)
        queue.forget(recording)
        return {"message": "removed"}


def _job_routes(app: FastAPI, shelf: Shelf, queue: Queue) -> None:
    """Jobs: started, followed, adjusted, cancelled, and what comes out of them."""

    @app.post("/api/recordings/{recording}/jobs")
    async def submit(recording: str, request: Request) -> dict[str, Any]:
        run, shelved = asking.asked(await _json(request)), shelf.get(recording)
        return _told(queue, await run_in_threadpool(queue.submit, shelved, run))

    @app.get("/api/jobs/{job}")
    def job(job: str) -> dict[str, Any]:
        return _told(queue, queue.get(job))

    @app.delete("/api/jobs/{job}")
    def cancel(job: str) -> dict[str, Any]:
        return _told(queue, queue.cancel(job))

    @app.post("/api/jobs/{job}/adjust")
    async def adjust(job: str, request: Request) -> dict[str, Any]:
        task = queue.get(job)
        run = asking.adjusted(run_of(task), await _json(request))
        return _told(queue, await run_in_threadpool(queue.adjust, job, run))

    @app.get("/api/jobs/{job}/events")
    async def events(job: str, request: Request) -> StreamingResponse:
        queue.get(job)
        last = request.headers.get("last-event-id", "")
        stream = _events(queue, job, int(last) + 1 if last.isdigit() else 0)
        return StreamingResponse(stream, media_type="text/event-stream")

    @app.get("/api/jobs/{job}/files/{which}")
    def download(job: str, which: str) -> FileResponse:
        task = queue.get(job)
        names = {**task.result.get("files", {}), "settings": None}
        if task.state != "done" or which not in ("restored", "removed", "settings", "report"):
            raise GoneError(f"there is no {which} of this job yet; wait until it is done.")
        restored = Path(names["restored"])
        if which == "report":
            path = report(queue.path(task), shelf.original(task.recording), run_of(task), task.result, task.version)
            return FileResponse(path, filename=f"{restored.stem}.html", media_type="text/html")
        name = names[which] or restored.with_suffix(".json").name
        return FileResponse(queue.path(task, "out", name), filename=name)


def _listening_routes(app: FastAPI, shelf: Shelf, queue: Queue) -> None:
    """What is heard and seen of a recording and its jobs."""

    def copy(recording: str, which: str, job: str | None) -> Path:
        if which == "before" or job is None:
            shelf.get(recording)
            return shelf.path(recording) / "before.wav"
        path = queue.path(queue.get(job), "after.wav" if which == "after" else "removed.wav")
        if not path.is_file():
            raise GoneError("there is nothing to hear of this job yet; wait for its first block.")
        return path

    @app.get("/api/recordings/{recording}/sound/{which}")
    def sound(recording: str, which: str, job: str | None = None) -> FileResponse:
        return FileResponse(copy(recording, which, job), media_type="audio/wav")

    @app.get("/api/recordings/{recording}/levels/{which}")
    def picture(
        recording: str,
        which: str,
        start: float,
        end: float,
        columns: int,
        rows: int,
        mel: bool = False,
        job: str | None = None,
    ) -> Response:
        if not (0 <= start < end and 1 <= columns <= _LARGEST and 1 <= rows <= _LARGEST):
            raise SettingsError(f"there is no picture of {start:g} to {end:g} s in {columns} by {rows}; ask for another.")
        top_db = shelf.get(recording).top_db
        with open_copy(copy(recording, which, job)) as source:
            level = levels(source, start, end, columns, rows, mel=mel)
        return Response(shades(level, top_db), media_type="application/octet-stream")


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise SettingsError(f"the request is no JSON ({error}); reload the page.") from error


def _told(queue: Queue, task: Task) -> dict[str, Any]:
    return {**asdict(task), "before": queue.before(task)}


async def _events(queue: Queue, job: str, after: int) -> AsyncIterator[str]:
    """Yield what is told of a job as server-sent events, from a place on, until it is over."""
    quiet = 0.0
    while True:
        try:
            task = queue.get(job)
        except GoneError:
            return
        told = queue.events(job, after)
        for event in told:
            yield f"id: {after}\ndata: {json.dumps(event)}\n\n"
            after += 1
        if not told:
            if task.state in ("done", "failed", "cancelled"):
                yield f"event: over\ndata: {json.dumps(task.state)}\n\n"
                return
            quiet += _LOOK_S
            if quiet > _BREATH_S:
                quiet = 0.0
                yield ": still here\n\n"
            await asyncio.sleep(_LOOK_S)


async def _sweep(queue: Queue) -> None:
    while True:
        await run_in_threadpool(queue.sweep)
        await asyncio.sleep(_SWEEP_S)
