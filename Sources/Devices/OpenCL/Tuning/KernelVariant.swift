import CKAKernels
import Device

/// One program of `Kernels/OpenCL` with its defines: the key of a runtime's program cache.
struct KernelVariant: Sendable, Hashable {
  /// A file of kernels and the shared declarations that it needs.
  struct Source: Sendable, Hashable {
    let name: String
    /// File names and texts, in the order they are compiled.
    let texts: [String]

    init(name: String, files: [(name: String, text: String)]) {
      self.name = name
      // The compiler's log then names the file and its own line.
      texts = files.map { "#line 1 \"\($0.name)\"\n\($0.text)" }
    }

    /// Of the name alone: each launch looks its kernel up, and the texts are long.
    func hash(into hasher: inout Hasher) { hasher.combine(name) }

    private static let scalars = ("scalars.h", String(cString: cka_kernels_scalars))
    private static let wide = ("wide.h", String(cString: cka_kernels_wide))
    private static let triangle = ("triangle.h", String(cString: cka_kernels_triangle))
    private static let mma = ("mma.h", String(cString: cka_kernels_mma))
    private static let tiles = ("tiles.h", String(cString: cka_kernels_tiles))
    private static let distances = ("distances.h", String(cString: cka_kernels_distances))

    static let features = Source(
      name: "features.cl",
      files: [scalars, ("features.cl", String(cString: cka_kernels_features))])
    static let gram = Source(
      name: "gram.cl",
      files: [scalars, tiles, triangle, ("gram.cl", String(cString: cka_kernels_gram))])
    static let tensor = Source(
      name: "tensor.cl",
      files: [scalars, triangle, mma, ("tensor.cl", String(cString: cka_kernels_tensor))])
    static let reduce = Source(
      name: "reduce.cl",
      files: [scalars, triangle, ("reduce.cl", String(cString: cka_kernels_reduce))])
    static let rbf = Source(
      name: "rbf.cl",
      files: [scalars, triangle, distances, ("rbf.cl", String(cString: cka_kernels_rbf))])
    static let center = Source(
      name: "center.cl",
      files: [scalars, wide, triangle, ("center.cl", String(cString: cka_kernels_center))])
    static let pairs = Source(
      name: "pairs.cl",
      files: [wide, tiles, triangle, ("pairs.cl", String(cString: cka_kernels_pairs))])
    static let entries = Source(
      name: "entries.cl",
      files: [
        scalars, triangle, wide, distances, ("entries.cl", String(cString: cka_kernels_entries)),
      ])
    static let cross = Source(
      name: "cross.cl",
      files: [scalars, wide, tiles, ("cross.cl", String(cString: cka_kernels_cross))])
    static let peak = Source(
      name: "peak.cl", files: [("peak.cl", String(cString: cka_kernels_peak))])
  }

  let source: Source
  /// Sorted by name; an empty value defines a name alone.
  let defines: [Define]

  struct Define: Sendable, Hashable {
    let name: String
    let value: String
  }

  init(_ source: Source, defines: [String: String] = [:]) {
    self.source = source
    self.defines = defines.map { Define(name: $0.key, value: $0.value) }
      .sorted { $0.name < $1.name }
  }

  var name: String { source.name }
  var sources: [String] { source.texts }

  /// What the compiler is told. Never `-cl-fast-relaxed-math`: sums would lose their order.
  var options: String {
    let words = defines.map { $0.value.isEmpty ? "-D\($0.name)" : "-D\($0.name)=\($0.value)" }
    return (["-cl-std=CL1.2"] + words).joined(separator: " ")
  }
}
