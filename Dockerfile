# One image for every Churnwatch process: `docker run churnwatch worker`, `... console`, `... ingest /records`.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY pyproject.toml constraints.txt README.md ./
COPY pipeline pipeline
COPY models models
COPY alerts alerts
COPY churnwatch churnwatch
# Editable: the packages stay beside config/, which they read.
RUN pip install --no-cache-dir --editable . --constraint constraints.txt && python -m compileall -q .

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/app/var/compiled
RUN useradd --system --uid 10001 --home-dir /app churnwatch && install --directory --owner churnwatch /app/var
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY config config
# Everything under /app but var/ may be read-only.
USER churnwatch
ENTRYPOINT ["churnwatch"]
CMD ["--help"]
