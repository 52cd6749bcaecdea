// The entries of RBF matrices, shared by rbf.cl and entries.cl.
#ifndef CKA_DISTANCES_H
#define CKA_DISTANCES_H

// ‖x − y‖² = ‖x‖² + ‖y‖² − 2⟨x, y⟩; zero below its terms' rounding, as for equal examples.
static inline float squared_distance(const float product, const float a, const float b) {
  const float sum = a + b;
  const float squared = fma(-2.0f, product, sum);
  return squared > sum * 0x1p-22f ? squared : 0.0f;
}

// exp(−d²/(2σ²)), or that less 1.
static inline float exponential(
    const float squaredDistance, const float squaredSigma, const bool isLessOne) {
  const float exponent = -0.5f * (squaredDistance / squaredSigma);
  return isLessOne ? expm1(exponent) : exp(exponent);
}

#endif
