# A standalone s2mock, for tests in any language: docker build -t s2mock .
# docker run -p 8080:80 s2mock lite       a drop-in replacement for `s2 lite`
# docker run -p 8080:8080 s2mock          with s2mock's own defaults
FROM python:3.13-slim AS build
WORKDIR /s2mock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY s2mock ./s2mock
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
COPY --from=build /wheels /wheels
# With what makes a certificate for --tls-self.
RUN pip install --no-cache-dir "$(echo /wheels/*.whl)[tls]" && rm -r /wheels
USER nobody
EXPOSE 80 443 8080
ENTRYPOINT ["s2mock"]
CMD ["--host", "0.0.0.0"]
