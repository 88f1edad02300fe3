// Stands in for node:http2 in the bundle: undici loads it at every start, for connections that dns01 never makes.
module.exports = { constants: {} };
