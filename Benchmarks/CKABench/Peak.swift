import COpenBLAS
import Foundation

/// The speed of the best known program for dense products on this machine.
struct Peak: Codable {
  let gigaflops: Double
  let library: String
  let threads: Int
}

/// The fastest of repeated float32 products of 2,048 × 2,048 matrices through OpenBLAS, with as many
/// threads as there are cores.
func measuredPeak(seconds: Double) -> Peak {
  let n = 2048
  let threads = ProcessInfo.processInfo.activeProcessorCount
  openblas_set_num_threads(Int32(threads))
  // The devices spread their work over the cores themselves.
  defer { openblas_set_num_threads(1) }
  let a = (0..<(n * n)).map { Float($0 % 7) }
  let b = (0..<(n * n)).map { Float($0 % 5) }
  var c = [Float](repeating: 0, count: n * n)
  let start = ContinuousClock.now
  var best = Double.infinity
  repeat {
    let before = ContinuousClock.now
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(n), blasint(n), blasint(n), 1, a,
      blasint(n), b, blasint(n), 0, &c, blasint(n))
    best = min(best, (.now - before) / .seconds(1))
  } while (.now - start) / .seconds(1) < seconds
  let words = String(cString: openblas_get_config()).split(separator: " ")
  return Peak(
    gigaflops: 2 * Double(n * n * n) / best / 1e9,
    library: words.prefix(2).joined(separator: " ") + ", "
      + String(cString: openblas_get_corename()) + " kernels", threads: threads)
}
