/** The short form is for every change; the full one takes its time. */
export const isShort = process.env['DNS01_FAULTS'] === 'short';
