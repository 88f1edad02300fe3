import { describeMatrix } from './support/matrix.ts';

// lego's protocol does not say what is in the answer to a success.
await describeMatrix('httpreq', 1, ['wrong-type', 'empty']);
