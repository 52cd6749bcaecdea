import Activations
import COpenBLAS
import CPUKernels
import FeatureSlabs
import Foundation

/// What is known of a Gram matrix in a workspace.
struct Gram {
  /// The matrix times 2^exponent is the true one: twice the exponent of the activations.
  var exponent: Int
  var isFinite: Bool
  var isConstant: Bool
}

extension BLASDevice {
  /// Fills the lower triangle of `workspace.gram` with the Gram matrix of the centered features.
  ///
  /// One touch of the data: each slab of features is gathered, converted, centered and multiplied
  /// while it is in the cache.
  func gram(of layer: LayerActivations, examples: [Int], in workspace: Workspace) -> Gram {
    let slabs = FeatureSlabs(layer: layer, examples: examples, kernels: kernels.table)
    let n = examples.count
    let size = workspace.stride * workspace.stride
    memset(workspace.gram, 0, size * MemoryLayout<Float>.size)

    var gram = Gram(exponent: 0, isFinite: true, isConstant: true)
    for start in stride(from: 0, to: slabs.featureCount, by: Workspace.slabWidth) {
      let range = start..<min(start + Workspace.slabWidth, slabs.featureCount)
      // A scale once chosen holds for the slabs that follow, unless one needs a larger.
      let least = gram.isConstant ? nil : gram.exponent / 2
      let start = ContinuousClock.now
      let slab =
        kernels.engine == .packed
        ? slabs.pack(range, into: workspace.slab, leastExponent: least)
        : slabs.read(
          range, into: workspace.slab, rowStride: Workspace.slabWidth, leastExponent: least)
      workspace.readTime += .now - start
      guard slab.isFinite else {
        return Gram(exponent: 0, isFinite: false, isConstant: false)
      }
      if slab.isConstant { continue }
      if !gram.isConstant, slab.exponent > gram.exponent / 2 {
        let factor = Float(
          sign: .plus, exponent: max(gram.exponent - 2 * slab.exponent, -149), significand: 1)
        for index in 0..<size { workspace.gram[index] *= factor }
      }
      gram.exponent = 2 * slab.exponent
      gram.isConstant = false
      accumulate(range.count, n, in: workspace)
    }
    return gram
  }

  private func accumulate(_ featureCount: Int, _ n: Int, in workspace: Workspace) {
    switch kernels.engine {
    case .packed:
      kernels.table.pointee.accumulate(
        workspace.slab, n, featureCount, workspace.gram, workspace.stride)
    case .openBLAS:
      cblas_ssyrk(
        CblasRowMajor, CblasLower, CblasNoTrans, blasint(n), blasint(featureCount), 1,
        workspace.slab, blasint(Workspace.slabWidth), 1, workspace.gram, blasint(workspace.stride))
    }
  }
}
