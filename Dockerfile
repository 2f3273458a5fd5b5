# The one image recipe; docker-compose.yml builds from it, and so does whoever has no Compose:
#
#     docker build -t undertone .                        torch for the CPU
#     docker build -t undertone --build-arg PIP_ARGS= .  torch as PyPI has it, on x86 with CUDA (3 GB)
#
# The container listens on all its addresses, where no peer is loopback: without UNDERTONE_API_KEYS it answers 403
# to everything but its probes. Sessions live in REDIS_URL, and without one in an embedded server that ends with it.
FROM python:3.11.14-slim-bookworm

# Handed to every pip below, as the Makefile does it.
ARG PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# A number, because Kubernetes cannot tell that a name is not root.
RUN groupadd --gid 10001 undertone \
 && useradd --uid 10001 --gid undertone --no-create-home --home-dir /tmp --shell /usr/sbin/nologin undertone

WORKDIR /app

# From what changes least to what changes most: a change of the code installs nothing again. torch goes first, as a
# layer of its own: whatever comes after finds it there and asks for no other build.
COPY requirements.txt constraints.txt ./
RUN pip install -c constraints.txt ${PIP_ARGS} "$(grep '^torch==' requirements.txt)"
RUN pip install -c constraints.txt ${PIP_ARGS} -r requirements.txt
# Whoever trained a model may alone be able to read its weights: safetensors writes them so.
COPY LICENSE ./
COPY --chmod=755 models/ models/
COPY --chmod=755 service/ service/
# The command line, from any folder: `docker run --rm undertone undertone doctor`.
COPY --chmod=755 client/ client/
COPY --chmod=755 cli/ cli/
RUN printf '#!/bin/sh\nPYTHONPATH=/app exec python -m cli "$@"\n' > /usr/local/bin/undertone \
 && chmod 755 /usr/local/bin/undertone

# /tmp is all that is ever written to, so the root file system can be read-only with a tmpfs there. The metrics of a
# run live in BENTOML_HOME and should end with it. BentoML reports its use to its makers unless told exactly "True".
ENV BENTOML_HOME=/tmp/bentoml \
    BENTOML_DO_NOT_TRACK=True \
    HOME=/tmp \
    PYTHONUNBUFFERED=1
USER 10001:10001

EXPOSE 3000
# http.client and not urllib: urllib would ask the proxy that Docker may have put into the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 3000, timeout=4); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "-m", "service", "--host", "0.0.0.0"]
