# One image for every command: docker run mingle worker --role ingest, mingle api, mingle migrate.
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/mingle
COPY requirements-image.lock ./
RUN /opt/mingle/bin/python -m pip install --no-cache-dir --no-compile --require-hashes --requirement requirements-image.lock
COPY pyproject.toml README.md LICENSE ./
COPY tools/backend.py ./tools/backend.py
COPY mingle ./mingle
COPY schemas ./schemas
COPY services ./services
COPY streams ./streams
COPY servers ./servers
COPY loadtest ./loadtest
# What builds is not for running; compiled files that name no time are the same in each build.
RUN /opt/mingle/bin/python -m pip install --no-cache-dir --no-compile --no-deps --no-build-isolation . \
    && /opt/mingle/bin/python -m pip uninstall --yes --quiet setuptools pip \
    && /opt/mingle/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/mingle/lib

FROM python:3.11.13-slim-bookworm
COPY --from=build /opt/mingle /opt/mingle
ENV PATH=/opt/mingle/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
ENTRYPOINT ["mingle"]
CMD ["--help"]
