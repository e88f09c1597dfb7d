# The server without a shell, as a user without rights, below a root that may be read-only; README.md says how to run it.
#
# BuildKit is not needed: docker, buildah and podman build the same image. Some leave HEALTHCHECK out of images in the
# OCI format; `buildah build --format docker` keeps it.

# The release that rust-toolchain.toml names.
FROM docker.io/library/rust:1.95.0-bookworm AS dependencies
WORKDIR /build
# The program holds its libc, so that the image needs none: a base with libraries is as large as the program. glibc looks
# names up in files and DNS without a library, which is what the base asks for. With --target the flags are for the
# program alone, for macros of the compiler cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static"
COPY Cargo.toml Cargo.lock ./
# The dependencies by themselves, which a change of our sources does not touch. Tests and benchmarks stay outside, so
# their sections of the manifest go. What was built of the empty sources goes too: it would pass for newer than ours.
RUN sed --in-place '/^\[\[\(test\|bench\)\]\]$/,/^$/d' Cargo.toml \
    && mkdir src \
    && touch src/lib.rs \
    && echo 'fn main() {}' >src/main.rs \
    && cargo build --release --locked --target "$(rustc --print host-tuple)" \
    && cargo clean --release --locked --target "$(rustc --print host-tuple)" --package watershed

FROM dependencies AS builder
COPY snapshots/samples snapshots/samples
COPY src src
# Without its symbols the program is much smaller; a backtrace of it has addresses instead of names.
RUN cargo build --release --locked --target "$(rustc --print host-tuple)" \
    && install -D --strip target/*/release/watershed /image/usr/local/bin/watershed \
    && mkdir --mode=0700 /image/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY LICENSE /usr/share/doc/watershed/copyright
COPY --from=builder /image/usr/local/bin/watershed /usr/local/bin/watershed
COPY --from=builder --chown=65532:65532 /image/data /data
# A container takes no connections from its own loopback alone. Without a key the server refuses to listen elsewhere.
ENV API_HOST=0.0.0.0 \
    DATA_DIR=/data
VOLUME /data
EXPOSE 8000
# By number, so that an orchestrator can tell that it is not root.
USER 65532:65532
# Whether it is alive, not whether it is ready: one that replays its log must not be restarted for it. WATERSHED_URL says
# where to ask, when API_PORT is another.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/local/bin/watershed", "health"]
ENTRYPOINT ["/usr/local/bin/watershed"]
CMD ["serve"]
# What differs from build to build stands last, where it spoils nothing that is kept.
ARG VERSION
ARG REVISION
ARG CREATED
ARG SOURCE
LABEL org.opencontainers.image.title="watershed" \
      org.opencontainers.image.description="In-memory service dependency graph server: what a service needs, and what breaks when it fails" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
