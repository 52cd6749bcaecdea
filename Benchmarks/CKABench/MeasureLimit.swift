import ArgumentParser
import COpenBLAS
import CommandSupport
import Device
import Dispatch
import Foundation
import OpenCLDevice
import Support

/// One limit, in a process of its own: OpenBLAS chooses its kernels once a process.
struct MeasureLimit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures peak, sgemm, memory or opencl:INDEX, or tells the machine.",
    shouldDisplay: false)

  @Argument var what: String
  @Option var seconds = 1.0

  func run() throws {
    try reportingFailures {
      switch what {
      case "peak":
        let folder = try TemporaryFolder()
        try answer(try Limits.sgemmPeaks(seconds: seconds, folder: folder)[0])
      case "sgemm": try answer(sgemmPeak(seconds: seconds))
      case "machine": try answer(Machine())
      case "memory": try answer(memoryBandwidth(seconds: seconds))
      default: try answer(try openCLPeak())
      }
    }
  }

  private func openCLPeak() throws -> Limits.OpenCL {
    guard let device = try openDevice(what) as? OpenCLDevice else {
      throw Failure(.usage, "\(what): not peak, sgemm, memory or opencl:INDEX")
    }
    do throws(DeviceError) {
      let peak = try device.measurePeak(seconds: seconds)
      return Limits.OpenCL(
        id: device.info.id, transfer: peak.transfer / 1e9, gigaflops: peak.float32 / 1e9)
    } catch { throw Failure(.software, "\(what): \(error)") }
  }

  private func answer(_ value: some Encodable) throws {
    try Console.print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
  }
}

/// How often `body` is done in about `seconds`, at least twice: the least time of one of them.
private func leastTime(within seconds: Double, _ body: () -> Void) -> Double {
  let start = ContinuousClock.now
  var least = Double.infinity
  var count = 0
  repeat {
    let before = ContinuousClock.now
    body()
    least = min(least, before.elapsed)
    count += 1
  } while count < 2 || start.elapsed < seconds
  return least
}

/// The fastest of repeated float32 products of square matrices through OpenBLAS, with as many
/// threads as there are cores.
private func sgemmPeak(seconds: Double) -> Limits.SgemmPeak {
  // Large enough that packing and the last threads' wait are below a hundredth.
  let n = seconds < 0.5 ? 1536 : 3072
  let threads = ProcessInfo.processInfo.activeProcessorCount
  openblas_set_num_threads(Int32(threads))
  let a = (0..<(n * n)).map { Float($0 % 7) }
  let b = (0..<(n * n)).map { Float($0 % 5) }
  var c = [Float](repeating: 0, count: n * n)
  let least = leastTime(within: seconds) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(n), blasint(n), blasint(n), 1, a,
      blasint(n), b, blasint(n), 0, &c, blasint(n))
  }
  let words = String(cString: openblas_get_config()).split(separator: " ")
  return Limits.SgemmPeak(
    gigaflops: 2 * Double(n * n * n) / least / 1e9,
    kernels: String(cString: openblas_get_corename()),
    library: words.prefix(2).joined(separator: " "), threads: threads)
}

/// Reading and STREAM's triad, on one core and on all, over arrays that no cache holds.
private func memoryBandwidth(seconds: Double) -> Limits.Memory {
  let count = (seconds < 0.5 ? 24 : 64) << 20
  let cores = ProcessInfo.processInfo.activeProcessorCount
  openblas_set_num_threads(1)
  let arrays = UnsafeMutableBufferPointer<Float>.allocate(capacity: 3 * count)
  defer { arrays.deallocate() }
  guard let start = arrays.baseAddress else { preconditionFailure("no memory was allocated") }
  let memory = BandwidthArrays(a: start, b: start + count, c: start + 2 * count, count: count)
  memory.fill(cores: cores)
  let bytes = Double(count * MemoryLayout<Float>.size)
  func rate(_ arrays: Double, cores: Int, _ body: @escaping @Sendable (Range<Int>) -> Void)
    -> Double
  {
    let least = leastTime(within: seconds / 4) { memory.divided(cores, body) }
    return arrays * bytes / least / 1e9
  }
  return Limits.Memory(
    readOneCore: rate(1, cores: 1) { memory.read($0) },
    readAllCores: rate(1, cores: cores) { memory.read($0) },
    triadOneCore: rate(3, cores: 1) { memory.triad($0) },
    triadAllCores: rate(3, cores: cores) { memory.triad($0) })
}

/// Three arrays of `count` numbers.
private struct BandwidthArrays: @unchecked Sendable {
  // @unchecked: threads work on ranges of their own.
  let a: UnsafeMutablePointer<Float>
  let b: UnsafeMutablePointer<Float>
  let c: UnsafeMutablePointer<Float>
  let count: Int

  /// Runs `body` on equal parts of all indices, one a core.
  func divided(_ parts: Int, _ body: @escaping @Sendable (Range<Int>) -> Void) {
    guard parts > 1 else { return body(0..<count) }
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      body((count * part / parts)..<(count * (part + 1) / parts))
    }
  }

  /// Each core's part is touched by that core first, so that it lies near.
  func fill(cores: Int) {
    divided(cores) { range in
      (a + range.lowerBound).initialize(repeating: 0, count: range.count)
      (b + range.lowerBound).initialize(repeating: 1, count: range.count)
      (c + range.lowerBound).initialize(repeating: 2, count: range.count)
    }
  }

  /// A sum of magnitudes, with the vector instructions that OpenBLAS has for it.
  func read(_ range: Range<Int>) {
    // In runs that fit BLAS's 32-bit counts; kept from being dropped by a store.
    var sum: Float = 0
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 24) {
      let run = min(1 << 24, range.upperBound - start)
      sum += cblas_sasum(blasint(run), b + start, 1)
    }
    a[range.lowerBound] = sum
  }

  /// a ← b + s·c.
  func triad(_ range: Range<Int>) {
    for index in range { a[index] = b[index] + 3 * c[index] }
  }
}
