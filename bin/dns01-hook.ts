#!/usr/bin/env node
// The same program under its second name, by which it knows that a client is calling.
// @ts-expect-error: the bundle is made after the types are checked
import './start.cjs';
