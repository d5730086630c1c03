"""The routes of the page. All state is with the recordings and in the queue; a route looks up, asks, and answers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from fastapi import Body, FastAPI, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from audioprior import __version__
from audioprior.errors import AudioError, AudiopriorError, SettingsError
from audioprior.files.sidecar import sidecar_of
from audioprior.sound.levels import RANGE_DB, levels, shades
from audioprior.web.copies import open_copy
from audioprior.web.queue import Queue
from audioprior.web.recordings import GoneError, Recordings
from audioprior.web.report import MOST_REPORTED_S, report
from audioprior.web.requests import Wish, adjusted, asked, forms, refusal
from audioprior.web.tickets import OVER, Ticket, run_of

STATIC = Path(__file__).parent / "static"
_HEADER = "x-audioprior"  # other sites cannot send it without asking first, and are not answered
_POLICY = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'"
_LOOK_S, _BREATH_S = 0.15, 10.0
_SWEEP_S = 60.0
Seconds = Annotated[float, Query(ge=0, allow_inf_nan=False)]
Which = Literal["before", "after", "removed"]
Size = Annotated[int, Query(ge=1, le=2000)]  # columns or rows of a picture
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
    recordings = Recordings(folder, 3600 * keep_hours)
    queue = Queue(recordings, most_waiting=100)

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

    @app.exception_handler(RequestValidationError)
    async def misunderstood(_: Request, error: RequestValidationError) -> JSONResponse:
        status = 404 if error.errors()[0]["loc"][0] == "path" else 400
        return JSONResponse({"message": refusal(error.errors())}, status)

    _about_routes(app, keep_hours, most_mb)
    _recording_routes(app, recordings, queue, most_mb)
    _job_routes(app, recordings, queue)
    _listening_routes(app, recordings, queue)
    app.mount("/", StaticFiles(directory=STATIC, html=True))
    return app


def _about_routes(app: FastAPI, keep_hours: float, most_mb: float) -> None:
    """What the page has to know of the server."""

    @app.get("/api/about")
    def about() -> dict[str, Any]:
        limits = {"keep_hours": keep_hours, "most_mb": most_mb, "range_db": RANGE_DB, "report_s": MOST_REPORTED_S}
        return {"version": __version__, "tasks": forms(), "cost": COST, **limits}


def _recording_routes(app: FastAPI, recordings: Recordings, queue: Queue, most_mb: float) -> None:
    """Recordings: sent, looked at, removed."""

    @app.post("/api/recordings")
    async def send(request: Request, name: str) -> dict[str, Any]:
        most = most_mb * 1e6
        too_large = AudioError(
            f"the file is larger than {most_mb:g} MB; use the command line for it, or start with --max-mb."
        )
        if int(request.headers.get("content-length", 0)) > most:
            raise too_large
        path = recordings.place(name)
        try:
            size = 0
            with open(path, "wb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most:
                        raise too_large
                    file.write(chunk)
        except BaseException as error:  # the visitor has gone, or the disk is full: nothing is kept
            recordings.remove(path.parent.parent.name)
            if isinstance(error, OSError):
                raise AudioError(f"{path.name} could not be kept ({error.strerror}); free some disk.") from error
            raise
        return asdict(await run_in_threadpool(recordings.admit, path))

    @app.get("/api/recordings/{recording}")
    def recording(recording: str) -> dict[str, Any]:
        return {**asdict(recordings.get(recording)), "jobs": [_facts(queue, ticket) for ticket in queue.of(recording)]}

    @app.get("/api/recordings/{recording}/suggestions")
    def suggestions(recording: str) -> list[dict[str, str]]:
        return recordings.suggestions(recording)

    @app.delete("/api/recordings/{recording}")
    def forget(recording: str) -> dict[str, str]:
        recordings.get(recording)
        queue.forget(recording)
        return {"message": "removed"}


def _job_routes(app: FastAPI, recordings: Recordings, queue: Queue) -> None:
    """Jobs: started, followed, adjusted, cancelled, and what comes out of them."""

    @app.post("/api/recordings/{recording}/jobs")
    def submit(recording: str, wish: Wish) -> dict[str, Any]:
        return _facts(queue, queue.submit(recordings.get(recording), asked(wish)))

    @app.get("/api/jobs/{job}")
    def job(job: str) -> dict[str, Any]:
        return _facts(queue, queue.get(job))

    @app.delete("/api/jobs/{job}")
    def cancel(job: str) -> dict[str, Any]:
        return _facts(queue, queue.cancel(job))

    @app.post("/api/jobs/{job}/adjust")
    def adjust(job: str, values: Annotated[dict[str, float], Body()]) -> dict[str, Any]:
        run = adjusted(run_of(queue.get(job)), values)
        return _facts(queue, queue.adjust(job, run))

    @app.get("/api/jobs/{job}/events")
    async def events(job: str, last_event_id: Annotated[int, Header(ge=-1)] = -1) -> StreamingResponse:
        queue.get(job)
        stream = _events(queue, job, last_event_id + 1)
        return StreamingResponse(stream, media_type="text/event-stream")

    @app.get("/api/jobs/{job}/files/{which}")
    def download(job: str, which: Literal["restored", "removed", "settings", "report"]) -> FileResponse:
        ticket = queue.get(job)
        names = {**ticket.result.get("files", {}), "settings": None}
        if ticket.state != "done":
            raise GoneError(f"there is no {which} of this job yet; wait until it is done.")
        restored = Path(names["restored"])
        if which == "report":
            path = report(
                queue.path(ticket), recordings.original(ticket.recording), run_of(ticket), ticket.result, ticket.version
            )
            return FileResponse(path, filename=f"{restored.stem}.html", media_type="text/html")
        name = names[which] or sidecar_of(restored).name
        return FileResponse(queue.path(ticket, "out", name), filename=name)


def _listening_routes(app: FastAPI, recordings: Recordings, queue: Queue) -> None:
    """What is heard and seen of a recording and its jobs."""

    def copy(recording: str, which: Which, job: str | None) -> Path:
        if which == "before" or job is None:
            recordings.get(recording)
            return recordings.path(recording) / "before.wav"
        path = queue.path(queue.get(job), "after.wav" if which == "after" else "removed.wav")
        if not path.is_file():
            raise GoneError("there is nothing to hear of this job yet; wait for its first block.")
        return path

    @app.get("/api/recordings/{recording}/sound/{which}")
    def sound(recording: str, which: Which, job: str | None = None) -> FileResponse:
        return FileResponse(copy(recording, which, job), media_type="audio/wav")

    @app.get("/api/recordings/{recording}/levels/{which}")
    def picture(
        recording: str,
        which: Which,
        start: Seconds,
        end: Seconds,
        columns: Size,
        rows: Size,
        mel: bool = False,
        job: str | None = None,
    ) -> Response:
        if start >= end:
            raise SettingsError(f"there is no picture of {start:g} to {end:g} s; start it before its end.")
        top_db = recordings.get(recording).top_db
        with open_copy(copy(recording, which, job)) as source:
            level = levels(source, start, end, columns, rows, mel=mel)
        return Response(shades(level, top_db), media_type="application/octet-stream")


def _facts(queue: Queue, ticket: Ticket) -> dict[str, Any]:
    """Return what a page has to know of a job."""
    return {**asdict(ticket), "before": queue.before(ticket)}


async def _events(queue: Queue, job: str, after: int) -> AsyncIterator[str]:
    """Yield what happens to a job as server-sent events, from a place on, until it is over."""
    quiet = 0.0
    while True:
        try:
            ticket = queue.get(job)
        except GoneError:
            return
        news = queue.events(job, after)
        for event in news:
            yield f"id: {after}\ndata: {json.dumps(event)}\n\n"
            after += 1
        if not news:
            if ticket.state in OVER:
                yield f"event: over\ndata: {json.dumps(ticket.state)}\n\n"
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
