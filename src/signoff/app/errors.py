"""Every exception becomes an answer: a problem document for programs, a page for people."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from signoff.api import problems
from signoff.kit.errors import Fault, NotNow, Refusal, StoreError
from signoff.tables.session import is_outage
from signoff.web.identity import SignInNeeded, sign_in_address
from signoff.web.page import is_htmx
from signoff.web.problem import problem_page, refusal_page

log = logging.getLogger(__name__)


def _is_program(request: Request) -> bool:
    """Return whether the answer is for a program. It decides the form of an error, and nothing else."""
    path = request.url.path
    return path.startswith("/v1/") or path in ("/v1", "/metrics", "/mcp")


async def _refused(request: Request, error: Exception) -> Response:
    refusal = error if isinstance(error, Refusal) else Refusal(str(error))
    if _is_program(request):
        return problems.of_refusal(request, refusal)
    if isinstance(refusal, SignInNeeded) and request.method == "GET" and not is_htmx(request):
        return RedirectResponse(sign_in_address(request, refusal.code), status_code=303)
    return refusal_page(request, refusal)


async def _broken(request: Request, error: Exception) -> Response:
    fault = error if isinstance(error, Fault) else Fault(str(error))
    if _is_program(request):
        return problems.of_fault(request, fault)
    return problem_page(request, 503 if fault.is_transient else 502, fault.detail, fault.code)


async def _misshapen(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, RequestValidationError) else RequestValidationError([])
    if _is_program(request):
        return problems.of_validation(request, problem)
    return problem_page(request, 422, "Some of what was sent does not fit. Go back and check the fields.")


async def _http(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, HTTPException) else HTTPException(500)
    if _is_program(request):
        return problems.of_http(request, problem)
    return problem_page(request, problem.status_code)


async def _beaten(request: Request, error: Exception) -> Response:
    """Somebody took a name between our look and our write; only the constraint noticed."""
    log.warning("a write met a constraint", exc_info=error)
    return await _refused(request, NotNow("Somebody did the same a moment ago. Look again, then decide."))


async def _without_database(request: Request, error: Exception) -> Response:
    """The database is away, or every connection to it is in use: worth another try soon, and no bug of ours."""
    if not isinstance(error, PoolTimeout) and not (isinstance(error, DBAPIError) and is_outage(error)):
        return await crashed(request, error)
    sentence = "The database cannot be reached at the moment. Try again shortly."
    answer = await _broken(request, StoreError(sentence, is_transient=True, code="database_away"))
    answer.headers["Retry-After"] = "5"
    return answer


async def crashed(request: Request, error: Exception) -> Response:
    """Return what a bug looks like from outside."""
    log.error("a request crashed", exc_info=error)
    return problems.of_crash(request) if _is_program(request) else problem_page(request, 500)


def add_handlers(app: FastAPI) -> None:
    """Tell the application how each kind of exception is answered."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(Fault, _broken)
    app.add_exception_handler(RequestValidationError, _misshapen)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(IntegrityError, _beaten)
    app.add_exception_handler(DBAPIError, _without_database)
    app.add_exception_handler(PoolTimeout, _without_database)
    app.add_exception_handler(Exception, crashed)
