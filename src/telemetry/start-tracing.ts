import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** The standard OpenTelemetry settings that enable tracing. The SDK reads all settings itself. */
export interface TracingSettings {
  readonly OTEL_SDK_DISABLED: boolean;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_TRACES_EXPORTER?: string | undefined;
  readonly OTEL_SERVICE_NAME: string;
}

/** Time to send the remaining spans at shutdown, in ms. */
const FLUSH_MS = 2_000;

/**
 * Starts OpenTelemetry's SDK if the environment enables tracing. Otherwise the SDK is not loaded.
 * @returns a function that sends the remaining spans and stops
 */
export async function startTracing(settings: TracingSettings): Promise<() => Promise<void>> {
  if (!isAskedFor(settings)) return async () => {};
  const { startNodeSdk } = await import('@opentelemetry/sdk-node');
  const sdk = startNodeSdk({
    // Prometheus scrapes the metrics, and logs go to standard output.
    metricReaders: [],
    logRecordProcessors: [],
    // No detectors, because some reveal the command line or the user of the process.
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
