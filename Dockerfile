# The declared image of the sample service. `docker build .` makes it, and Slipway
# makes the same one without Docker.
#
# The digests of the FROM lines are the pins that Slipway reads, because of this mark:
# slipway:pins

# The builder runs on the machine that builds and cross-compiles: nothing is emulated.
FROM --platform=$BUILDPLATFORM golang:1.26.9-alpine@sha256:cdfd4fe2da6b225d8b40c6b7a105736e548e83ff56d5d8f9394446eeb5eb84e0 AS build
WORKDIR /src

# A layer of its own, so that only a change of the module files downloads again. It
# fetches every module of go.mod, which the service shares with the pipeline in ci/:
# naming the ones that it needs here would be a second list to keep right.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

# The service alone: a change of the pipeline leaves this layer as it is.
COPY cmd ./cmd
COPY internal ./internal

# Set by BuildKit for each platform, and by --build-arg. They come this late because
# a changed value builds every layer below it again.
ARG TARGETOS TARGETARCH TARGETVARIANT
ARG VERSION=devel
ARG COMMIT=unknown

# Static, without paths of this machine and without git's state, so that the same
# source gives the same bytes. Go reads the one of GOAMD64 and GOARM that belongs to
# the architecture, and takes its default, v1 or 7, for an empty one.
# -X stands in the order of the names, as in Slipway: the order is in the build ID.
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOFLAGS= GOOS=$TARGETOS GOARCH=$TARGETARCH \
    GOAMD64=$TARGETVARIANT GOARM=${TARGETVARIANT#v} \
    go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.commit=$COMMIT -X main.version=$VERSION" \
    -o /out/server ./cmd/server

# No shell, no libc; the CA bundle, zoneinfo and the nonroot user are its own.
FROM gcr.io/distroless/static-debian13:nonroot@sha256:e2e927ec666bae08560abb3c55d0659eceabb657f56b6782ab500a9fc7f555e3
COPY --from=build /out/server /app/server
# In numbers: Kubernetes' runAsNonRoot cannot judge a name.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/app/server"]
