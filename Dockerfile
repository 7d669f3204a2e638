# syntax=docker/dockerfile:1
# One image for every role: `docker build -t mailtide .`; compose.yaml runs it (docs/production.md).

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
# Leaves behind the generators, the bundler, and the Node of node_modules, because the image has one.
RUN --mount=type=cache,target=/root/.npm \
    sh scripts/setup.sh \
    && npm run build:ui --if-present \
    && mkdir -p dist \
    && npm pkg delete dependencies.prisma optionalDependencies \
    && npm prune --omit=dev --ignore-scripts \
    && rm -rf node_modules/.bin node_modules/.setup

FROM node:24-bookworm-slim
WORKDIR /app
# Clients outside the container need a public listener. DATA_DIR matters only without DATABASE_URL.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 DATA_DIR=/data
RUN install -d -o node -g node -m 0700 /data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma ./prisma
COPY --from=build /app/scripts/service.sh ./scripts/
COPY --from=build /app/dist ./dist
COPY --from=build /app/src ./src
# The user `node`, by number so that orchestrators see that it is not root. It owns nothing below /app.
USER 1000:1000
VOLUME /data
EXPOSE 4000
# The process stops within 9 seconds: allow 15 (docs/production.md).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["sh", "scripts/service.sh"]
CMD ["src/main.ts"]
