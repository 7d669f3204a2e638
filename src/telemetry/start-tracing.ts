import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** OpenTelemetry's standard settings, as far as they decide whether there is tracing; the SDK reads all of them itself. */
export interface TracingSettings {
  readonly OTEL_SDK_DISABLED: boolean;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_TRACES_EXPORTER?: string | undefined;
  readonly OTEL_SERVICE_NAME: string;
}

/** What is not sent by then, in milliseconds, is not worth holding up the end of the process. */
const FLUSH_MS = 2_000;

/**
 * Starts OpenTelemetry's SDK when the environment asks for traces; otherwise it is not even loaded.
 * @returns how to send what is left and stop
 */
export async function startTracing(settings: TracingSettings): Promise<() => Promise<void>> {
  if (!isAskedFor(settings)) return async () => {};
  const { startNodeSdk } = await import('@opentelemetry/sdk-node');
  const sdk = startNodeSdk({
    // Metrics are Prometheus' to ask for, logs go to standard output.
    metricReaders: [],
    logRecordProcessors: [],
    // None that would tell the command line or the user of the process.
    resourceDetectors: [],
    resourceAttributes: { 'service.name': settings.OTEL_SERVICE_NAME, 'service.instance.id': randomUUID() },
  });
  return () => Promise.race([sdk.shutdown(), pause(FLUSH_MS, undefined, { ref: false })]);
}

function isAskedFor({
  OTEL_SDK_DISABLED,
  OTEL_EXPORTER_OTLP_ENDPOINT,
  OTEL_TRACES_EXPORTER,
}: TracingSettings): boolean {
  if (OTEL_SDK_DISABLED || OTEL_TRACES_EXPORTER === 'none') return false;
  return OTEL_EXPORTER_OTLP_ENDPOINT !== undefined || OTEL_TRACES_EXPORTER !== undefined;
}
