import Activations
import Device

/// The centered Gram matrices of all layers of one minibatch, in the memory of an OpenCL device, or
/// on the host where the device has not enough.
public final class OpenCLGramStack: GramStack {
  /// One summary a layer.
  public let layers: [GramSummary]
  /// Where the time went, by the device's own clock; reading, copies and kernels overlap.
  public let timings: StageTimings

  /// Some consecutive layers in one place, `layerStride` numbers each.
  struct Chunk: Sendable {
    let layers: Range<Int>
    let storage: Storage
  }

  enum Storage: Sendable {
    case device(Buffer)
    case host(HostMemory)
  }

  let chunks: [Chunk]
  let shape: MatrixShape
  let runtime: Runtime
  /// Hears of inner products.
  let meter: WorkMeter?

  init(
    runtime: Runtime, layers: [GramSummary], timings: StageTimings, chunks: [Chunk],
    shape: MatrixShape, meter: WorkMeter?
  ) {
    self.runtime = runtime
    self.layers = layers
    self.timings = timings
    self.chunks = chunks
    self.shape = shape
    self.meter = meter
  }

  /// Tells `meter` of so many inner products.
  func count(pairs: Int) { meter?.add(2 * Double(pairs) * Double(shape.count)) }

  /// Whether the matrices are on the device.
  var isResident: Bool {
    chunks.allSatisfy { chunk in
      if case .device = chunk.storage { true } else { false }
    }
  }
}

/// Numbers on the host that the device's queue reads and writes.
final class HostMemory: @unchecked Sendable {
  // @unchecked: written once, before the stack that holds it is made.
  let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 128)
  }

  deinit { bytes.deallocate() }
}
