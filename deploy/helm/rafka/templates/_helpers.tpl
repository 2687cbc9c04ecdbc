{{- define "rafka.name" -}}
{{- printf "%s-%s" .Release.Name .Values.job | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "rafka.labels" -}}
app.kubernetes.io/name: rafka
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .Values.job }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "rafka.selector" -}}
app.kubernetes.io/name: rafka
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .Values.job }}
{{- end -}}

{{- define "rafka.file" -}}
{{- if eq .Values.job "pixy" }}pixy.yaml{{ else if eq .Values.job "relay" }}relay.toml{{ else }}rafka.json{{ end -}}
{{- end -}}
