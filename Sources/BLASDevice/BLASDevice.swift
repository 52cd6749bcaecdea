import Activations
import COpenBLAS
import CPUKernels
import Device
import Dispatch
import FeatureSlabs
import Foundation
import Synchronization

/// The CPU: one layer per core, features centered and multiplied while they are in its cache.
public struct BLASDevice: Device {
  /// The processor, with the libraries that do its work.
  public let info: DeviceInfo
  let kernels: Kernels

  /// What multiplies: our own packed kernels, or OpenBLAS on processors they are not written for.
  enum GramEngine: Sendable {
    case packed
    case openBLAS
  }

  /// The kernels of one instruction set.
  struct Kernels: @unchecked Sendable {
    // @unchecked: the table is constant.
    let table: UnsafePointer<cka_cpu_kernels_table>
    let engine: GramEngine

    /// The best this processor has.
    static var best: Kernels {
      let best = cka_cpu_kernels(0)
      return Kernels(
        table: best,
        engine: best == cka_cpu_kernels(cka_cpu_kernels_count() - 1) ? .openBLAS : .packed)
    }

    var name: String { String(cString: table.pointee.name) }
  }

  /// The CPU with the best kernels it can run.
  public init() { self.init(kernels: .best) }

  init(kernels: Kernels) {
    self.kernels = kernels
    // Layers are spread over the cores here; OpenBLAS's own threads would only get in their way.
    openblas_set_num_threads(1)
    let openBLAS = String(cString: openblas_get_config()).split(separator: " ").prefix(2)
      .joined(separator: " ")
    info = DeviceInfo(
      id: "cpu", name: Self.processorName, backend: "BLAS",
      driver:
        "\(openBLAS) (\(String(cString: openblas_get_corename()))), own kernels \(kernels.name)",
      memory: Int(ProcessInfo.processInfo.physicalMemory), hasFloat64: true,
      computeUnits: ProcessInfo.processInfo.activeProcessorCount)
  }

  /// See `Device`. Memory: the stack, and one Gram matrix and one slab of features a core.
  public func gramStack(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering
  ) throws(DeviceError) -> BLASGramStack {
    let n = minibatch.exampleCount
    precondition(n >= centering.leastExamples, "too few examples for this estimator")
    let stack = try BLASGramStack(
      layerCount: minibatch.layers.count, packedCount: centering.packedCount(exampleCount: n))
    let workspaces = WorkspacePool(exampleCount: n, panelRows: kernels.table.pointee.panel_rows)
    // The widest layers first, so that no core is left alone with one at the end.
    let order = minibatch.layers.indices.sorted {
      minibatch.layers[$0].featureCount > minibatch.layers[$1].featureCount
    }
    let start = ContinuousClock.now
    let failure = Mutex<DeviceError?>(nil)
    DispatchQueue.concurrentPerform(iterations: order.count) { index in
      let layer = order[index]
      do throws(DeviceError) {
        let workspace = try workspaces.take()
        let gram = try gram(of: minibatch, layer: layer, in: workspace)
        let row = stack.row(layer)
        stack.summaries[layer] = center(
          gram, of: minibatch.layers[layer], kernel: kernel, centering: centering,
          in: workspace, into: row)
        workspaces.giveBack(workspace)
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    stack.timings = workspaces.timings(within: .now - start)
    return stack
  }

  private func gram(
    of minibatch: Minibatch, layer: Int, in workspace: Workspace
  ) throws(DeviceError) -> Gram {
    let layer = minibatch.layers[layer]
    defer { layer.evict() }
    do throws(ActivationReadError) {
      return try gram(of: layer, examples: minibatch.examples, in: workspace)
    } catch {
      throw DeviceError(error)
    }
  }

  private static let processorName: String = {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = lines.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = model?.split(separator: ":").dropFirst().joined(separator: ":")
    return name?.trimmingCharacters(in: .whitespaces) ?? "CPU"
  }()
}

/// Centered Gram matrices in memory: layers × packed triangle.
public final class BLASGramStack: GramStack, @unchecked Sendable {
  // @unchecked: each layer's row and summary are written by one thread before the stack is returned.
  let summaries: UnsafeMutableBufferPointer<GramSummary>
  let values: UnsafeMutablePointer<Float>
  let packedCount: Int
  /// Reading: the threads' mean. The rest of the wall clock's time is `gram`.
  public internal(set) var timings = StageTimings()

  /// One summary a layer.
  public var layers: [GramSummary] { Array(summaries) }

  init(layerCount: Int, packedCount: Int) throws(DeviceError) {
    guard packedCount <= Int(Int32.max) else {
      throw DeviceError(
        kind: .unsupported, call: "gramStack",
        context: "more than 65,535 examples at once; the minibatch estimator takes any number")
    }
    values = try allocate(layerCount, packedCount, of: "centered Gram matrices")
    self.packedCount = packedCount
    summaries = .allocate(capacity: layerCount)
    summaries.initialize(repeating: .empty(isFinite: true, isConstant: false))
  }

  deinit {
    free(values)
    summaries.deallocate()
  }

  /// The packed triangle of `layer`.
  func row(_ layer: Int) -> UnsafeMutablePointer<Float> { values + layer * packedCount }
}

/// What one thread needs to make one layer's Gram matrix.
final class Workspace: @unchecked Sendable {
  // @unchecked: used by one thread at a time.
  /// n of the Gram matrix.
  let exampleCount: Int
  /// `stride` × `stride` numbers, the lower triangle in use, with room for whole panels.
  let gram: UnsafeMutablePointer<Float>
  let stride: Int
  /// A slab of `Workspace.slabWidth` features, in rows or panels.
  let slab: UnsafeMutablePointer<Float>
  /// One number an example.
  let sums: UnsafeMutablePointer<Double>
  /// Rows from files.
  let stage = FeatureStage()
  /// How long this thread has read features.
  var readTime = Duration.zero

  /// Features a slab: with 256 examples, two slabs stay in a core's second cache.
  static let slabWidth = 256

  init(exampleCount: Int, panelRows: Int) throws(DeviceError) {
    self.exampleCount = exampleCount
    stride = (exampleCount + panelRows - 1) / panelRows * panelRows
    gram = try allocate(stride, stride, of: "a Gram matrix")
    slab = try allocate(stride, Self.slabWidth, of: "a slab of features")
    sums = .allocate(capacity: exampleCount)
  }

  deinit {
    free(gram)
    free(slab)
    sums.deallocate()
  }
}

/// Workspaces for as many threads as happen to run.
final class WorkspacePool: Sendable {
  private let exampleCount: Int
  private let panelRows: Int
  private let idle = Mutex<[Workspace]>([])

  init(exampleCount: Int, panelRows: Int) {
    self.exampleCount = exampleCount
    self.panelRows = panelRows
  }

  func take() throws(DeviceError) -> Workspace {
    if let workspace = idle.withLock({ $0.popLast() }) { return workspace }
    return try Workspace(exampleCount: exampleCount, panelRows: panelRows)
  }

  func giveBack(_ workspace: Workspace) { idle.withLock { $0.append(workspace) } }

  /// The threads' mean time for reading, and the rest of `wall` for what they made of it.
  func timings(within wall: Duration) -> StageTimings {
    let threads = idle.withLock { $0 }
    let read = threads.reduce(Duration.zero) { $0 + $1.readTime } / max(threads.count, 1)
    var timings = StageTimings()
    timings.read = read / .seconds(1)
    timings.gram = max(wall - read, .zero) / .seconds(1)
    return timings
  }
}

/// rows × columns float32 numbers on a cache line's boundary, to be freed with `free`.
func allocate(_ rows: Int, _ columns: Int, of what: String)
  throws(DeviceError) -> UnsafeMutablePointer<Float>
{
  let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
  let physical = Int(ProcessInfo.processInfo.physicalMemory)
  // The system would promise more than it has, and end the process when the promise is called in.
  guard !overflow, count <= physical / MemoryLayout<Float>.size else {
    throw DeviceError(
      kind: .outOfMemory, call: "malloc",
      context: "\(rows) × \(columns) float32 numbers for \(what) do not fit this machine's memory")
  }
  var pointer: UnsafeMutableRawPointer?
  let bytes = max(count * MemoryLayout<Float>.size, 64)
  guard posix_memalign(&pointer, 64, bytes) == 0, let pointer else {
    throw DeviceError(
      kind: .outOfMemory, call: "posix_memalign", context: "\(bytes) bytes for \(what)")
  }
  return pointer.bindMemory(to: Float.self, capacity: count)
}
