// SPDX-License-Identifier: MIT
//
// The peer that prong takes its words from: an echo server on Node's cluster module.
//
//     node node_cluster.js WORKERS ADDRESS…      prints {"ADDRESS": PORT, …} once it listens
//
// SIGHUP reloads as Node's manual shows: new workers, and then the old ones disconnect.
//
// With BENCH_GREETS in the environment each worker tells every client its process first.
'use strict';

const cluster = require('node:cluster');
const net = require('node:net');

const workers = Number(process.argv[2]);
const addresses = process.argv.slice(3);
const greets = 'BENCH_GREETS' in process.env;

function lead() {
    const ports = {};
    let listening = 0;

    cluster.on('listening', (worker, { address, port }) => {
        ports[address] = port;
        listening += 1;
        if (listening === workers * addresses.length)
            console.log(JSON.stringify(ports));
    });
    for (let i = 0; i < workers; i++)
        cluster.fork();

    process.on('SIGHUP', () => {
        const old = Object.values(cluster.workers);
        let ready = 0;

        for (let i = 0; i < workers; i++) {
            cluster.fork().once('listening', () => {
                ready += 1;
                if (ready === workers)
                    old.forEach((worker) => worker.disconnect());
            });
        }
    });
}

function work() {
    for (const address of addresses) {
        const server = net.createServer((socket) => {
            if (greets)
                socket.write(String(process.pid));
            socket.on('data', (bytes) => socket.write(bytes));
            socket.on('error', () => socket.destroy());
        });
        server.listen(0, address);
    }
}

if (cluster.isPrimary)
    lead();
else
    work();
