# To raise Node: change the version in the next line to another tag of https://hub.docker.com/_/node and run the tests
# with that version. Stay in long-term support, and with a major that the native modules support: sqlite3 6.0.1
# passes its own tests on 24 and is reported to fail them on 26 (https://github.com/nodejs/citgm/pull/1124).
ARG NODE_IMAGE=node:24.20.0-trixie-slim

FROM ${NODE_IMAGE} AS base
WORKDIR /app


# The modules the server runs on. The only stage with a compiler.
FROM base AS dependencies
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
# Built here, with the headers that are in the image, sqlite3 fits the image's C library by construction. Its prebuilt
# binaries have not always done so, and come from outside the package registry, without a checksum in the lockfile.
ENV npm_config_build_from_source=sqlite3 \
  npm_config_nodedir=/usr/local
COPY package.json package-lock.json ./
COPY clients/typescript/package.json clients/typescript/
COPY dashboard/package.json dashboard/
# What the compiler leaves behind is ten times the size of the module; and a module that does not load should
# fail the build, not the first start.
RUN npm ci --omit=dev \
  && mv node_modules/sqlite3/build/Release/node_sqlite3.node /tmp/ \
  && rm -rf node_modules/sqlite3/build node_modules/sqlite3/deps node_modules/sqlite3/src \
  && mkdir -p node_modules/sqlite3/build/Release \
  && mv /tmp/node_sqlite3.node node_modules/sqlite3/build/Release/ \
  && node -e "require('sqlite3'); require('bcrypt')"


# Compiling TypeScript needs the development tools, but none of their install scripts.
FROM base AS build
COPY package.json package-lock.json ./
COPY clients/typescript/package.json clients/typescript/
COPY dashboard/package.json dashboard/
RUN npm ci --ignore-scripts
COPY nest-cli.json tsconfig.json tsconfig.build.json rolldown.config.js ./
COPY clients ./clients
COPY dashboard ./dashboard
COPY src ./src
RUN npm run build


FROM base AS runtime
# In production the server refuses to boot without a signing key: give it JWT_SECRET, or JWT_SECRET_FILE with a
# path under /app/data. `.env.example` lists every variable.
ENV NODE_ENV=production
# The code belongs to root: the process can run it, not change it. It may write to /app/data only.
RUN install -d -o node -g node -m 0750 /app/data
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/dashboard/dist ./dashboard/dist
COPY package.json ./
USER node
VOLUME ["/app/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8000) + '/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# V8 alone lets garbage grow to twice what is in use (docs/benchmarks.md).
CMD ["node", "--heap-growing-percent=60", "dist/main.js"]
