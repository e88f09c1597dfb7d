# Sourced by what builds a release, in the directory with the source: makes the binary a matter of the source and the
# toolchain alone, and not of where they lie or of when it is built. For Rust, for C (jemalloc, ring), and for the times
# of the files of Swagger UI, which are unpacked during the build.
# A path may go through a symbolic link, and is then said in either way.
prefixes=(
  "$(realpath .)=/watershed"
  "${CARGO_HOME:-$HOME/.cargo}=/cargo"
  "$(realpath "${CARGO_HOME:-$HOME/.cargo}")=/cargo"
  "$(rustc --print sysroot)=/toolchain"
  "$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")=/target"
)
CARGO_ENCODED_RUSTFLAGS=$(printf -- '--remap-path-prefix=%s\x1f' "${prefixes[@]}")
CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%$'\x1f'}
CFLAGS=$(printf -- '-ffile-prefix-map=%s ' "${prefixes[@]}")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export CARGO_ENCODED_RUSTFLAGS CFLAGS SOURCE_DATE_EPOCH
unset prefixes
