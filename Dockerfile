# syntax=docker/dockerfile:1
# Two stages: packages are installed in the first, so that pip, its cache and the lock files stay out of the second.

FROM python:3.13-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /opt
RUN python -m venv --without-pip packages
# Before the code: as long as the lock doesn't change, this layer is taken from the cache.
COPY requirements.txt .
RUN pip --python packages/bin/python install --require-hashes -r requirements.txt

FROM python:3.13-slim
ENV PATH=/opt/packages/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/srv/site/var
# The last folders are for docker-compose.yml: a new volume takes over the owner of the folder it is first mounted on.
RUN pip uninstall --yes --root-user-action=ignore pip \
    && groupadd --system --gid 10001 site \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin site \
    && install --directory --owner=10001 --group=10001 \
        /secrets/site /secrets/database /volumes/certificates /volumes/proxy-config
WORKDIR /srv/site
COPY --from=packages /opt/packages /opt/packages
COPY manage.py ./
COPY deploy/make_secrets.py deploy/
COPY realtime_site realtime_site
COPY templates templates
COPY locale locale
COPY apps apps
# The key is for this command alone: nothing is signed while static files are collected.
RUN python -m compileall -q apps realtime_site && SECRET_KEY=unused python manage.py collectstatic --no-input --verbosity 0
# By number, which an orchestrator can tell from root's.
USER 10001
EXPOSE 8000
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000"]
