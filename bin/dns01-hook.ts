#!/usr/bin/env node
// The same program under its second name, by which it knows that a client is calling.
import './start.ts';
