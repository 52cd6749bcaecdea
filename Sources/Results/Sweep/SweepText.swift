import Activations
import CKA
import Device
import Support
import SweepStore

extension Sweep.Event {
  /// What happens, in one line.
  package var note: Note {
    switch self {
    case .littleRoom(let path, let bytes, let models, let free):
      .warning(
        """
        a model like \(oneLine(path)) needs \(Format.bytes(bytes)), \(Format.count(models)) of them \
        \(Format.bytes(saturatingProduct(models, bytes))); \(Format.bytes(free)) are free
        """)
    case .note(let text):
      .warning(oneLine(text))
    case .dropped(let examples, let count):
      .information(
        """
        \(Format.count(examples.count)) of \(Format.count(count)) examples have NaN or infinity in some layer of \
        some model and are left out of all: \(listed(examples, of: examples.count))
        """)
    }
  }
}

extension Sweep.Summary {
  /// What was computed and what was there already.
  ///
  /// - Parameters:
  ///   - shard: the shard that was computed, if not all.
  ///   - store: the folder.
  package func text(of sweep: Sweep, shard: Shard?, store: String) -> String {
    func counts(_ found: Int, _ made: Int, _ seconds: Double, flops: Double? = nil) -> String {
      let rate = flops.map { ", \(Format.fixed($0 / seconds / 1e9, 0)) GFLOP/s" } ?? ""
      return "\(Format.count(made)) computed"
        + (made > 0 ? " in \(Format.seconds(seconds))\(rate)" : "")
        + ", \(Format.count(found)) cached"
    }
    let productCounts = counts(
      productsFound, productsMade, productSeconds, flops: productFlops)
    let share = shard.map { "shard \($0) of " } ?? ""
    return """
      \(share)\(models) models, \(sweep.minibatchCount) minibatches
      Gram matrices (per model and minibatch): \(counts(gramsFound, gramsMade, gramSeconds))
      inner products (per pair of models and minibatch): \(productCounts)
      stored in \(oneLine(store))
      """
  }
}
