import { describeMatrix } from './support/matrix.ts';

await describeMatrix('panelalpha with line numbers', 4);
