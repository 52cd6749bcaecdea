import Device
import Glibc

/// How far apart two networks are: angles between their layers, arccos of CKA, which is the cosine of the angle between
/// two centered Gram matrices.
///
/// Angles obey the triangle inequality (Williams et al. 2021, "Generalized Shape Metrics on Neural Representations"), and
/// so does their mean at equal depth in networks of as many layers, if all values are defined. Best matches are no metric:
/// networks that differ may be 0 apart. An estimate of CKA above 1 counts as 1, one below
/// −1 as −1.
public struct ModelDistance: Sendable, Hashable {
  /// The mean angle over the depths of `DepthSimilarity`, in radians; NaN where no depth has a value.
  public let atEqualDepth: Double
  /// The mean angle of a layer of either network with the layer of the other that is most like it, in radians: the mean
  /// of both networks' means; NaN where no cell has a value. That of a network with itself is 0.
  public let ofBestMatches: Double

  /// - Parameter cka: layers × layers, NaN where undefined.
  public init(_ cka: Matrix<Double>) {
    atEqualDepth = Self.meanAngle(DepthSimilarity(cka).values)
    let angles = [cka, cka.transposed].map { map in
      Self.meanAngle(LayerMatches(ofRows: map).matches.map { $0?.similarity ?? .nan })
    }
    ofBestMatches = (angles[0] + angles[1]) / 2
  }

  /// Of the values that are defined; NaN where none is.
  private static func meanAngle(_ values: [Double]) -> Double {
    mean(values.filter { !$0.isNaN }.map { acos(min(max($0, -1), 1)) })
  }
}
