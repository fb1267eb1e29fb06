{{- define "gateway.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gateway.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gateway.labels" -}}
{{ include "gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "gateway.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "gateway.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "gateway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default (printf "v%s" .Chart.AppVersion)) -}}
{{- end -}}
{{- end -}}

{{/* The gateway's configuration: the user's, and over it what the other objects of this chart rely on. */}}
{{- define "gateway.config" -}}
{{- $drain := dict "drain" (printf "%ds" (int .Values.termination.drainSeconds)) "drain-delay" (printf "%ds" (int .Values.termination.drainDelaySeconds)) -}}
{{- $own := dict "listen" "0.0.0.0:8080" "management" "0.0.0.0:8081" "reload" (dict "watch" true) "timeouts" $drain -}}
{{- if .Values.consoleToken.existingSecret -}}
{{- $console := dict "token" (dict "file" "/etc/gateway-secrets/console/token") -}}
{{- if eq (toString .Values.config.console) "false" -}}{{- $_ := set $console "pages" false -}}{{- end -}}
{{- $_ := set $own "console" $console -}}
{{- end -}}
{{- $given := deepCopy .Values.config -}}
{{- if not (kindIs "map" (index $given "console")) -}}{{- if hasKey $own "console" -}}{{- $_ := unset $given "console" -}}{{- end -}}{{- end -}}
{{- toYaml (mergeOverwrite $given $own) -}}
{{- end -}}

{{- define "gateway.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "gateway.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}
