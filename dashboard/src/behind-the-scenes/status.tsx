/** What the numbers mean; HTTP/2 does not send the words any more. */
const PHRASES: Readonly<Record<number, string>> = {
  0: 'No answer',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export function inWords(status: number): string {
  return status === 0 ? PHRASES[0]! : `${status} ${PHRASES[status] ?? ''}`.trim();
}

export function Status({ status }: { readonly status: number }) {
  return <span className={`pill pill-${toneOf(status)}`}>{inWords(status)}</span>;
}

function toneOf(status: number): string {
  if (status === 0 || status >= 500) return 'bad';
  return status >= 400 ? 'warning' : 'good';
}
