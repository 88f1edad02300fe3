#!/usr/bin/env node
// The same program under its second name, which tells it that an ACME client calls.
import './start.ts';
