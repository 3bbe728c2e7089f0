export default async function stopServices() {
  for (const stop of globalThis.__startedServices?.splice(0).reverse() ?? []) await stop();
}
