import { describeMatrix } from './support/matrix.ts';

await describeMatrix('virtualmin');
