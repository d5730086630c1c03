// Records from a microphone, as the samples come: no codec in between.

const WORKLET = "recorder-worklet.js";

export class Recorder {
  async start() {
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(WORKLET);
    this.pieces = [];
    const source = this.context.createMediaStreamSource(this.stream);
    const node = new AudioWorkletNode(this.context, "recorder", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = ({ data }) => this.pieces.push(data);
    source.connect(node);
  }

  /** Returns what was recorded as a WAV file of 32-bit floats. */
  async stop() {
    const rate = this.context.sampleRate;
    for (const track of this.stream.getTracks()) track.stop();
    await this.context.close();
    const length = this.pieces.reduce((sum, piece) => sum + piece.length, 0);
    const file = new DataView(new ArrayBuffer(44 + 4 * length));
    const text = (at, word) => [...word].forEach((sign, index) => file.setUint8(at + index, sign.charCodeAt(0)));
    text(0, "RIFF");
    file.setUint32(4, 36 + 4 * length, true);
    text(8, "WAVEfmt ");
    file.setUint32(16, 16, true);
    file.setUint16(20, 3, true); // floats
    file.setUint16(22, 1, true); // one channel
    file.setUint32(24, rate, true);
    file.setUint32(28, 4 * rate, true);
    file.setUint16(32, 4, true);
    file.setUint16(34, 32, true);
    text(36, "data");
    file.setUint32(40, 4 * length, true);
    let at = 44;
    for (const piece of this.pieces) for (const sample of piece) {
      file.setFloat32(at, sample, true);
      at += 4;
    }
    return new Blob([file], { type: "audio/wav" });
  }
}
