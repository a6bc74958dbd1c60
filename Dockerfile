# The bot's image. It runs the web process; `reportbot worker` and `reportbot manifest apply` are its other two commands.
# docs/deploy/README.md says how to run it. tests/deploy/test_image.py runs these steps without Docker.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
# One environment has the locked build tools and makes wheels, the other one has only what runs: not even pip.
ARG LOCK=requirements.lock
COPY requirements-build.lock ${LOCK} ./
RUN python -m venv tools \
    && python -m venv --without-pip /app \
    && tools/bin/pip install --no-deps --require-hashes -r requirements-build.lock \
    && tools/bin/pip wheel --no-deps --no-build-isolation --require-hashes --wheel-dir wheels -r ${LOCK}
COPY pyproject.toml README.md LICENSE ./
COPY manifest manifest
COPY bot bot
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && tools/bin/pip --python /app/bin/python install --no-deps --no-index wheels/*.whl

FROM python:3.11-slim-bookworm
# The base image's own installers: nothing is installed at run time.
RUN python -m pip uninstall --yes pip setuptools wheel \
    && install --directory --owner=10001 --group=10001 --mode=700 /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data/reportbot
# The only folder that is written, with /dev/shm: everything else may be read-only.
VOLUME /data
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8000
# Both processes end in order on SIGTERM, as process 1 too, within 60 seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-m", "bot.cli.healthcheck", "web"]
CMD ["gunicorn", "-c", "python:bot.web.gunicorn_conf", "--worker-tmp-dir", "/dev/shm"]
