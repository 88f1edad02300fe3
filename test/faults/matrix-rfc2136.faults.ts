import { describeMatrix } from './support/matrix.ts';

await describeMatrix('rfc2136');
